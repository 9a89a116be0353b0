import { assert, assertEquals, assertThrows } from "@std/assert";
import { Listener } from "../../../server/transport/listener.ts";
import { RespClient } from "../../support/resp_client.ts";
import { until } from "./fake_stream.ts";
import { MiniServer } from "./mini_server.ts";

Deno.test("TCP: addresses as text; connections outlive the listener", async () => {
  const server = new MiniServer();
  const listener = server.listen();
  assertEquals(listener.address, `127.0.0.1:${listener.port}`);
  using client = await RespClient.connect({ port: listener.port });
  assertEquals(await client.text("PING"), "+PONG\r\n");
  const [connection] = server.connections;
  assertEquals(connection.localAddress, listener.address);
  assert(/^127\.0\.0\.1:\d+$/.test(connection.remoteAddress));
  listener.close();
  assertEquals(await client.text("PING"), "+PONG\r\n");
  await server.close();
});

Deno.test("an address that is taken is an error", async () => {
  const server = new MiniServer();
  const taken = server.listen();
  assertThrows(
    () => Listener.tcp("127.0.0.1", taken.port, false, server.handlers()),
    Deno.errors.AddrInUse,
  );
  taken.close();
  await server.close();
});

Deno.test("a unix socket: mode, a left-over file, its address, removal", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/numaris.sock`;
  const server = new MiniServer();
  // A server that was killed leaves its socket behind: a child that exits without closing does so.
  await new Deno.Command(Deno.execPath(), {
    args: ["eval", `Deno.listen({ transport: "unix", path: "${path}" }); Deno.exit();`],
  }).output();
  assert(Deno.lstatSync(path).isSocket);
  const listener = Listener.unix(path, 0o700, server.handlers());
  listener.run();
  assertEquals(Deno.lstatSync(path).mode! & 0o777, 0o700);
  const client = await RespClient.connect({ path });
  assertEquals(await client.text("ECHO", "x"), "$1\r\nx\r\n");
  const [connection] = server.connections;
  assertEquals([connection.remoteAddress, connection.localAddress], [`${path}:0`, `${path}:0`]);
  client[Symbol.dispose]();
  listener.close();
  assertThrows(() => Deno.lstatSync(path), Deno.errors.NotFound);
  await server.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a file that is no socket is not removed", async () => {
  const path = await Deno.makeTempFile();
  const server = new MiniServer();
  assertThrows(() => Listener.unix(path, 0, server.handlers()));
  assert(Deno.lstatSync(path).isFile);
  await Deno.remove(path);
});

Deno.test("a client too many is told so and closed", async () => {
  const server = new MiniServer();
  server.clientsMax = 1;
  const listener = server.listen();
  const first = await RespClient.connect({ port: listener.port });
  await first.text("PING");
  const second = await RespClient.connect({ port: listener.port });
  const refusal = new TextDecoder().decode(await second.readReply());
  assertEquals(refusal, "-ERR max number of clients reached\r\n");
  assertEquals(await second.readReplyOrEnd(), null);
  first[Symbol.dispose]();
  second[Symbol.dispose]();
  await until(() => server.connections.size === 0);
  using third = await RespClient.connect({ port: listener.port });
  assertEquals(await third.text("PING"), "+PONG\r\n");
  listener.close();
  await server.close();
});

Deno.test("accepting goes on when the process is out of file descriptors", async () => {
  const script = new URL("./mini_server.ts", import.meta.url).pathname;
  const child = new Deno.Command("sh", {
    args: ["-c", `ulimit -n 40; exec "${Deno.execPath()}" run -A --quiet "${script}"`],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const port = Number((await reader.read()).value!.match(/:(\d+)/)![1]);
  const clients: RespClient[] = [];
  for (let i = 0; i < 60; i++) clients.push(await RespClient.connect({ port }));
  assertEquals(await clients[0].text("PING"), "+PONG\r\n");
  for (const client of clients.splice(0, 59)) client[Symbol.dispose]();
  assertEquals(await clients[0].text("PING"), "+PONG\r\n");
  clients[0][Symbol.dispose]();
  child.kill("SIGTERM");
  await reader.cancel();
  await child.status;
});
