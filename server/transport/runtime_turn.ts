/**
 * A whole turn of the runtime: also one in which it looks at its sockets.
 *
 * While anything of ours is ready to run, the runtime looks for new connections only once in up to
 * 61 turns, each of 3 to 20 µs. It looks at once when it has nothing to run and a read is pending.
 * So a connection to ourselves is read, and a byte sent into it: 19 µs, everything seen.
 *
 * @module
 */

import { assert } from "../../engine/assert.ts";
import { sendNow } from "../../ffi/mod.ts";
import { yieldToEventLoop } from "./event_loop.ts";
import { descriptorOf, NO_NUMBER, resourceOf, runtimeRead } from "./runtime_socket.ts";

/** Turns of the cheaper kind that stand in for a whole one. */
const TURNS_INSTEAD = 8;
/** Connections that are refused while ours is awaited, at most. */
const STRANGERS_MAX = 16;

/** Gives the runtime whole turns, once it is connected; until then, several of the cheaper kind. */
export class RuntimeTurn {
  readonly #ends: Deno.Conn[] = [];
  readonly #byte = new Uint8Array(1);
  #readResource = NO_NUMBER;
  #sendDescriptor = NO_NUMBER;

  /** Connects to itself over the loopback interface; where that fails, it does without. */
  async connect(): Promise<void> {
    try {
      await this.#connect();
    } catch {
      this.close();
    }
  }

  /** Resolves once the runtime has seen to everything it waits for. One call at a time. */
  async take(): Promise<void> {
    if (this.#sendDescriptor === NO_NUMBER) {
      for (let turn = 0; turn < TURNS_INSTEAD; turn++) await yieldToEventLoop();
      return;
    }
    const arrived = runtimeRead!(this.#readResource, this.#byte);
    const sentBytes = sendNow(this.#sendDescriptor, this.#byte, 1);
    assert(sentBytes === 1, "there is room for a byte in an empty connection");
    await arrived;
  }

  /** Ends; no turn may be under way. */
  close(): void {
    this.#sendDescriptor = NO_NUMBER;
    for (const end of this.#ends.splice(0)) end.close();
  }

  async #connect(): Promise<void> {
    if (runtimeRead === null) return;
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    try {
      const { port } = listener.addr;
      const [near, far] = await Promise.all([
        Deno.connect({ hostname: "127.0.0.1", port }).then((end) => this.#keep(end)),
        listener.accept().then((end) => this.#keep(end)),
      ]);
      await this.#refuseStrangers(listener, near, far);
    } finally {
      listener.close();
    }
  }

  #keep(end: Deno.TcpConn): Deno.TcpConn {
    this.#ends.push(end);
    end.setNoDelay(true);
    return end;
  }

  /** Takes the two ends into use, once the accepted one is ours and nobody else's. */
  async #refuseStrangers(
    listener: Deno.TcpListener,
    near: Deno.TcpConn,
    accepted: Deno.TcpConn,
  ): Promise<void> {
    let far = accepted;
    for (let stranger = 0; far.remoteAddr.port !== near.localAddr.port; stranger++) {
      assert(stranger < STRANGERS_MAX, "our own connection is accepted");
      far = this.#keep(await listener.accept());
    }
    this.#readResource = resourceOf(near);
    if (this.#readResource !== NO_NUMBER) this.#sendDescriptor = descriptorOf(far);
  }
}
