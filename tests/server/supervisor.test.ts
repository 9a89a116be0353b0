import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { serveTaskArguments, startNumaris } from "../support/numaris_server.ts";

const ROOT = new URL("../..", import.meta.url);

/** Runs the serve task to its end. */
async function serve(
  ...flags: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: [...serveTaskArguments(), ...flags],
    cwd: ROOT,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return {
    code: output.code,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
  };
}

Deno.test("supervisor: --version and --help answer with exit code 0", async () => {
  const version = await serve("--version");
  assertEquals([version.code, version.stderr], [0, ""]);
  assertMatch(version.stdout, /^Numaris server v=\d+\.\d+\.\d+ .*\n$/);
  const help = await serve("--help");
  assertEquals([help.code, help.stderr], [0, ""]);
  assertStringIncludes(help.stdout, "--port");
});

Deno.test("supervisor: a bad flag is one clear message, exit code 1", async () => {
  const { code, stdout, stderr } = await serve("--no-such-flag", "1");
  assertEquals([code, stdout], [1, ""]);
  assertStringIncludes(stderr, "no-such-flag");
});

Deno.test("supervisor: a missing file is one clear message, exit code 1", async () => {
  const { code, stdout, stderr } = await serve("./no-such-file.conf");
  assertEquals([code, stdout], [1, ""]);
  assertStringIncludes(stderr, "no-such-file.conf");
});

Deno.test("supervisor: a port in use is named, exit code 1", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const { code, stdout, stderr } = await serve("--port", String(port));
  taken.close();
  assertEquals([code, stderr], [1, ""]);
  const socket = `Warning: Could not create server TCP listening socket 127.0.0.1:${port}`;
  assertStringIncludes(stdout, `# ${socket}: bind: Address already in use\n`);
  assertMatch(stdout, /# Failed listening on port \d+ \(TCP\), aborting\.\n$/);
});

Deno.test("supervisor: nowhere to listen, exit code 1", async () => {
  const { code, stdout } = await serve("--port", "0");
  assertEquals(code, 1);
  assertMatch(stdout, /# Configured to not listen anywhere, exiting\.\n$/);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`supervisor: ${signal} ends the server with exit code 0`, async () => {
    const server = await startNumaris({ workers: 2 });
    assertMatch(server.log, /\* Topology: \d+ nodes?\n/);
    assertMatch(server.log, /\* Workers: 2, /);
    assertMatch(server.log, /\* Memory mode: (bound|plain)/);
    assertEquals(await server.stop(signal), 0);
    assertStringIncludes(server.log, `# Received ${signal} scheduling shutdown...`);
    assertMatch(server.log, /# Numaris is now ready to exit, bye bye\.\.\.\n$/);
  });
}

Deno.test("supervisor: two servers do not share a port by accident", async () => {
  await using server = await startNumaris();
  const { code, stdout } = await serve("--port", String(server.port));
  assertEquals(code, 1);
  assertStringIncludes(stdout, "Address already in use");
});

Deno.test("supervisor: a unix socket comes and goes with the server", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/numaris.sock`;
  const server = await startNumaris({
    parameters: ["--unixsocket", path, "--unixsocketperm", "700"],
  });
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o700);
  const connection = await Deno.connect({ transport: "unix", path });
  await connection.write(new TextEncoder().encode("PING\r\n"));
  const answer = new Uint8Array(16);
  const count = await connection.read(answer) ?? 0;
  assertEquals(new TextDecoder().decode(answer.subarray(0, count)), "+PONG\r\n");
  connection.close();
  assertEquals(await server.stop(), 0);
  assertStringIncludes(server.log, "* Removing the unix socket file.");
  assertEquals([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder);
});

Deno.test("supervisor: the log goes to a file when one is named", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/numaris.log`;
  const { code, stdout } = await serve("--port", "0", "--logfile", path);
  assertEquals([code, stdout], [1, ""]);
  assertStringIncludes(await Deno.readTextFile(path), "# Configured to not listen anywhere");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("supervisor: the time from start to ready is reported", async () => {
  const startedAtMs = performance.now();
  await using server = await startNumaris();
  console.log(`ready after ${Math.round(performance.now() - startedAtMs)} ms on ${server.port}`);
});
