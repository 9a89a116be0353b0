import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startNumaris } from "../support/numaris_server.ts";
import { peerTest } from "../support/peers.ts";

/** Runs a program with `input` on its standard input; returns what it printed. */
async function run(program: string, parameters: string[], input = ""): Promise<string> {
  const child = new Deno.Command(program, {
    args: parameters,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const output = await child.output();
  const decoder = new TextDecoder();
  assertEquals(output.code, 0, decoder.decode(output.stderr));
  return decoder.decode(output.stdout);
}

peerTest("redis-cli speaks to us in both protocols", ["redis-tools"], async () => {
  await using server = await startNumaris();
  const port = ["-p", String(server.port)];
  for (const protocol of ["-2", "-3"]) {
    const cli = (...words: string[]) => run("redis-cli", [...port, protocol, ...words]);
    assertEquals(await cli("SET", "k", "v"), "OK\n");
    assertEquals(await cli("GET", "k"), "v\n");
    assertEquals(await cli("STRLEN", "k"), "1\n");
    assertStringIncludes(await cli("INFO", "keyspace"), "db0:keys=1");
    assertStringIncludes(await cli("--scan"), "k");
    assertEquals(await cli("DEL", "k"), "1\n");
  }
});

peerTest("redis-cli --pipe loads a batch", ["redis-tools"], async () => {
  await using server = await startNumaris();
  const commands = Array.from({ length: 20_000 }, (_, index) => `SET key:${index} ${index}\r\n`);
  const port = ["-p", String(server.port)];
  const report = await run("redis-cli", [...port, "--pipe"], commands.join(""));
  assertStringIncludes(report, "errors: 0, replies: 20000");
  assertEquals(await run("redis-cli", [...port, "DBSIZE"]), "20000\n");
  assertEquals(await run("redis-cli", [...port, "GET", "key:19999"]), "19999\n");
});

peerTest(
  "redis-cli reads commands from standard input, quoted and binary",
  ["redis-tools"],
  async () => {
    await using server = await startNumaris();
    const script = 'SET "a b" "\\x00\\xff\\n"\nSTRLEN "a b"\nECHO \'single\'\nNOSUCH x\n';
    const printed = await run("redis-cli", ["-p", String(server.port)], script);
    assertEquals(printed.split("\n").slice(0, 3), ["OK", "3", "single"]);
    assertStringIncludes(printed, "ERR unknown command 'NOSUCH'");
  },
);

peerTest("redis-benchmark runs its tests of strings", ["redis-tools"], async () => {
  for (const workers of [1, 2]) {
    await using server = await startNumaris({ workers });
    const base = ["-p", String(server.port), "--csv", "-n", "5000", "-r", "1000"];
    for (const load of [["-c", "50", "-P", "1"], ["-c", "20", "-P", "16", "--threads", "2"]]) {
      const tests = ["-t", "ping_inline,ping_mbulk,set,get,incr,mset"];
      const printed = await run("redis-benchmark", [...base, ...load, ...tests]);
      for (const name of ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"]) {
        const row = printed.split("\n").find((line) => line.startsWith(`"${name}"`)) ?? "";
        assertMatch(row, /^"[^"]+","[1-9][\d.]+"/);
      }
    }
    using client = await server.connect();
    assertEquals(await client.text("PING"), "+PONG\r\n");
  }
});
