import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { freePort, ServerProcess } from "../support/server_process.ts";

const ROOT = new URL("../..", import.meta.url);

function parameters(fault: string, port: number): string[] {
  const script = ["run", "--quiet", "--no-lock", "-A", "tests/fault/faulty_server.ts"];
  return [...script, fault, "--port", String(port), "--workers", "2"];
}

/** Starts a server with faulty workers and waits until it is ready. */
function startFaulty(fault: string): Promise<ServerProcess> {
  return ServerProcess.start({
    name: "faulty Numaris",
    program: Deno.execPath(),
    cwd: ROOT,
    parameters: (port) => parameters(fault, port),
  });
}

for (const [fault, words] of [["throw", "thrown"], ["reject", "rejected"]]) {
  Deno.test(`worker death: ${words} errors take the whole server down`, async () => {
    const server = await startFaulty(fault);
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    assertEquals(await server.waitForExit(), 1);
    connection.close();
    assertMatch(server.log, new RegExp(`# Worker 0 died: .*${words} in a worker`));
    assertStringIncludes(server.log, "# The server cannot go on without one of its workers");
  });
}

Deno.test("worker death: a worker that cannot start is reported, exit code 1", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: parameters("start", freePort()),
    cwd: ROOT,
  }).output();
  assertEquals(code, 1);
  assertMatch(new TextDecoder().decode(stdout), /# Worker \d cannot start: no such luck\n$/);
});

Deno.test("worker death: a stuck worker does not keep the server up", async () => {
  const server = await startFaulty("silent");
  const stopping = server.stop("SIGTERM");
  while (!server.log.includes("Received SIGTERM scheduling shutdown...")) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assertEquals(await server.stop("SIGINT"), 1);
  assertEquals(await stopping, 1);
  assertStringIncludes(server.log, "# You insist... exiting now.");
});
