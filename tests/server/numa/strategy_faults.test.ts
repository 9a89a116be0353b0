import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { createHeapLayout } from "../../../engine/mod.ts";
import { isFaultOfStrategy } from "../../../server/numa/strategy_faults.ts";
import { loadStrategy, StrategyError } from "../../../strategies/mod.ts";
import { startNumaris } from "../../support/numaris_server.ts";
import type { RespClient } from "../../support/resp_client.ts";
import type { ServerProcess } from "../../support/server_process.ts";
import { withDirectory } from "../../support/strategy_directory.ts";
import { pairsOf, readReplyTree, textOf } from "../commands/reply_tree.ts";

const WAIT_MS_MAX = 10_000;

/** Calls `body` with a directory that holds strategies by name, each with the text of `execute`. */
async function withStrategies(
  bodies: Record<string, string>,
  body: (directory: string) => Promise<void>,
): Promise<void> {
  const files = Object.entries(bodies).map(([name, text]) => [
    `${name}.ts`,
    `const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));
      export default { name: "${name}", summary: "Fails.", intervalMs: 60_000, create: () => ({
        execute(context: any): void { ${text} },
      }) };`,
  ]);
  await withDirectory(Object.fromEntries(files), body);
}

async function statistic(client: RespClient, slot: number, name: string): Promise<string> {
  const pairs = pairsOf(readReplyTree(await client.text("NUMA", "STRATEGY", "INFO", slot)));
  const found = pairs.find(([each]) => each === name);
  assert(found !== undefined, `NUMA STRATEGY INFO says ${name}`);
  return textOf(found[1]);
}

/** Loads a strategy and waits until `text` is in the log: it runs at once. */
async function loadUntil(
  server: ServerProcess,
  client: RespClient,
  slot: number,
  name: string,
  text: string,
): Promise<void> {
  const from = server.log.length;
  assertEquals(await client.text("NUMA", "STRATEGY", "LOAD", slot, `${name}.ts`), "+OK\r\n");
  const deadlineMs = Date.now() + WAIT_MS_MAX;
  while (!server.log.slice(from).includes(text)) {
    assert(Date.now() < deadlineMs, `the log says '${text}'\n${server.log}`);
    await new Promise((done) => setTimeout(done, 10));
  }
  assertEquals(await client.text("PING"), "+PONG\r\n");
}

/** Asks `client` for a module, and waits until the server has read that. */
async function startLoading(
  asking: RespClient,
  client: RespClient,
  ...words: readonly (string | number)[]
): Promise<{ reply: Promise<string> }> {
  const id = (await client.text("CLIENT", "ID")).slice(1).trim();
  const reply = client.text("NUMA", "STRATEGY", "LOAD", ...words);
  const deadlineMs = Date.now() + WAIT_MS_MAX;
  while (!(await asking.text("CLIENT", "LIST", "ID", id)).includes(" cmd=numa|strategy ")) {
    assert(Date.now() < deadlineMs, `client ${id} is loading`);
  }
  return { reply };
}

Deno.test("strategy faults: timers and promises are counted to it, and end nothing", async () => {
  const faults: Record<string, [execute: string, reason: string]> = {
    timer: ["setTimeout(() => { throw new Error('in a timer'); }, 5);", "in a timer"],
    kept: ["setTimeout(() => context.nextKey(), 5);", "its run is over"],
    promise: ["(async () => { await 0; context.nextKey(); })();", "its run is over"],
    awaiting: ["(async () => { await wait(5); throw new Error('after all'); })();", "after all"],
    empty: [
      "wait(5).then(() => { throw Object.assign(new Error(), { message: 5 }); });",
      "5",
    ],
  };
  const bodies = Object.fromEntries(
    Object.entries(faults).map(([name, [execute]]) => [name, execute]),
  );
  await withStrategies(bodies, async (directory) => {
    await using server = await startNumaris({
      parameters: ["--enable-strategy-command", "yes", "--numa-strategy-dir", directory],
    });
    using client = await server.connect();
    let slot = 2;
    for (const [name, [, reason]] of Object.entries(faults)) {
      await loadUntil(server, client, slot, name, `Strategy ${slot} (${name}) failed: `);
      assertEquals(await statistic(client, slot, "failures"), "1", name);
      assertStringIncludes(await statistic(client, slot, "last-error"), reason);
      slot++;
    }
  });
});

Deno.test("strategy faults: who goes on failing is disabled, and fills no log", async () => {
  const bodies = {
    often: "setInterval(() => { throw new Error('again'); }, 1);",
    nameless: "setTimeout(() => { throw null; }, 5);",
    forgetful: "Deno.readTextFile('/tmp/there is/none');",
  };
  await withStrategies(bodies, async (directory) => {
    await using server = await startNumaris({
      parameters: ["--enable-strategy-command", "yes", "--numa-strategy-dir", directory],
    });
    using client = await server.connect();
    await loadUntil(server, client, 2, "often", "is disabled: 3 failures in a row");
    assertEquals(await statistic(client, 2, "enabled"), "no");
    await loadUntil(server, client, 3, "nameless", "A strategy failed outside of its runs: null");
    assertEquals(server.log.split("Strategy 2 (often) failed").length, 4);
    // It depends on the moment whether this one's stack names the module.
    await new Promise((done) => setTimeout(done, 1100));
    await loadUntil(server, client, 4, "forgetful", "No such file");
  });
});

Deno.test("strategy faults: a module that is never done holds up no others", async () => {
  await withStrategies({ good: "" }, async (directory) => {
    await Deno.writeTextFile(`${directory}/waits.ts`, "await new Promise(() => {});");
    await using server = await startNumaris({
      parameters: ["--enable-strategy-command", "yes", "--numa-strategy-dir", directory],
    });
    using asking = await server.connect();
    using first = await server.connect();
    using second = await server.connect();
    using third = await server.connect();
    using fourth = await server.connect();
    using fifth = await server.connect();
    const refused = await startLoading(asking, first, 2, "waits.ts");
    const loaded = [
      await startLoading(asking, second, 3, "good.ts", "interval", 200),
      await startLoading(asking, third, 4, "good.ts"),
      await startLoading(asking, fourth, 5, "good.ts"),
    ];
    const tooMany = "-ERR Cannot load: too many other modules are being loaded\r\n";
    assertEquals(await fifth.text("NUMA", "STRATEGY", "LOAD", 6, "good.ts"), tooMany);
    assertStringIncludes(
      await refused.reply,
      "-ERR Cannot load waits.ts: it was not done after 5000 ms",
    );
    for (const { reply } of loaded) assertEquals(await reply, "+OK\r\n");
    assertEquals(await statistic(second, 3, "interval-ms"), "200");
    assertStringIncludes(await first.text("NUMA", "STRATEGY", "INFO", 2), "slot 2 is empty");
  });
});

Deno.test("strategy faults: what names our modules alone is ours", async () => {
  const ours = assertThrows(() =>
    createHeapLayout({ shardCount: -1, windowBytes: 0, nodeIds: [] })
  );
  assertEquals(isFaultOfStrategy(ours), false);
  assert(isFaultOfStrategy(new StrategyError("Cannot use a context")));
  for (const odd of [null, undefined, 5, Object.create(null), new Proxy({}, { get: () => 1 })]) {
    assert(isFaultOfStrategy(odd));
  }
  await withStrategies({ deep: "context();" }, async (directory) => {
    const { factory } = await loadStrategy("deep.ts", directory);
    const callsUs = () => createHeapLayout({ shardCount: -1, windowBytes: 0, nodeIds: [] });
    const theirs = assertThrows(() => factory.create().execute(callsUs as never));
    assert(isFaultOfStrategy(theirs));
  });
});
