/**
 * Two ends of one TCP connection within this process.
 *
 * @module
 */

/** Both ends, closed together: `near` was accepted, `far` connected. */
export class SocketPair implements Disposable {
  private constructor(readonly near: Deno.TcpConn, readonly far: Deno.TcpConn) {}

  /** Connects over the loopback interface. */
  static async open(): Promise<SocketPair> {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const [near, far] = await Promise.all([
      listener.accept(),
      Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    ]);
    listener.close();
    return new SocketPair(near, far);
  }

  [Symbol.dispose](): void {
    this.near.close();
    this.far.close();
  }
}
