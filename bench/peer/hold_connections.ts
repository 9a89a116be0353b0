/**
 * A child process that opens connections, sends one PING over each, prints "ready" and holds them
 * until its standard input ends: `hold_connections.ts PORT COUNT`.
 *
 * @module
 */

const OPENING_AT_ONCE = 64;
const PING = new TextEncoder().encode("PING\r\n");
const PONG_BYTES = "+PONG\r\n".length;

if (import.meta.main) await hold(Number(Deno.args[0]), Number(Deno.args[1]));

async function hold(port: number, connectionCount: number): Promise<void> {
  const connections: Deno.Conn[] = [];
  for (let opened = 0; opened < connectionCount; opened += OPENING_AT_ONCE) {
    const count = Math.min(OPENING_AT_ONCE, connectionCount - opened);
    connections.push(...await Promise.all(Array.from({ length: count }, () => open(port))));
  }
  console.log("ready");
  for await (const _ of Deno.stdin.readable) continue;
  for (const connection of connections) connection.close();
}

async function open(port: number): Promise<Deno.Conn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(PING);
  const reply = new Uint8Array(PONG_BYTES);
  for (let received = 0; received < PONG_BYTES;) {
    const count = await connection.read(reply.subarray(received));
    if (count === null) throw new Error("Cannot hold a connection: the server closed it");
    received += count;
  }
  return connection;
}
