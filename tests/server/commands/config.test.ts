/**
 * `CONFIG` as a client sees it: the handlers on a client without a connection.
 *
 * @module
 */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Arguments } from "../../../server/arguments.ts";
import type { Client } from "../../../server/client.ts";
import { CommandError } from "../../../server/command_error.ts";
import {
  configGet,
  configHelp,
  configResetStatistics,
  configSet,
  createConfigRewrite,
} from "../../../server/commands/config.ts";
import { bytesToByteText, byteTextToBytes } from "../../../server/config/byte_text.ts";
import { Config } from "../../../server/config/config.ts";
import { ALIASES, PARAMETERS } from "../../../server/config/parameters.ts";
import { ControlPlane } from "../../../server/control_plane.ts";
import { Logger } from "../../../server/logger.ts";
import { ReplyWriter } from "../../../server/resp/reply_writer.ts";
import { BufferPool } from "../../../server/transport/buffer_pool.ts";
import { MemoryFiles } from "../config/memory_files.ts";

/** A client of a server with one worker, and what happened to it. */
class Bench {
  readonly config = new Config();
  readonly log: string[] = [];
  resetCount = 0;
  readonly client: Client;

  constructor(protocol: 2 | 3 = 2) {
    const control = new ControlPlane(1, () => {});
    control.handle("config", (message) => {
      this.config.set(message.pairs);
      return null;
    });
    const reply = new ReplyWriter(new BufferPool());
    reply.protocol = protocol;
    // The handlers use these parts only; a whole worker needs a heap.
    this.client = {
      args: new Arguments(),
      reply,
      context: {
        config: this.config,
        control,
        shared: { resetStatistics: () => this.resetCount++ },
        log: new Logger("notice", "M", (line) => this.log.push(line)),
      },
    } as unknown as Client;
  }

  /** Runs a handler with these arguments and returns the reply. */
  async run(
    handler: (client: Client) => void | Promise<void>,
    ...given: string[]
  ): Promise<string> {
    const { args, reply } = this.client;
    args.bytes = byteTextToBytes(given.join(""));
    args.count = given.length;
    let start = 0;
    given.forEach((text, index) => {
      args.starts[index] = start;
      args.lengths[index] = text.length;
      start += text.length;
    });
    await handler(this.client);
    const text = bytesToByteText(reply.bytes.subarray(0, reply.lengthBytes));
    reply.truncate(0);
    return text;
  }
}

Deno.test("CONFIG GET: names, patterns, each parameter once, as it was spelt", async () => {
  const bench = new Bench();
  assertEquals(
    await bench.run(configGet, "config", "get", "SAVE", "appendonl[y]", "appendonly", "nosuch"),
    "*4\r\n$4\r\nSAVE\r\n$0\r\n\r\n$10\r\nappendonly\r\n$2\r\nno\r\n",
  );
  assertEquals(await bench.run(configGet, "config", "get", "no*such"), "*0\r\n");
  const all = await bench.run(configGet, "config", "get", "*", "MAXMEM*");
  assertEquals(all.split("\r\n")[0], `*${(PARAMETERS.length + ALIASES.length) * 2}`);
  assertEquals(
    await bench.run(configGet, "config", "get", "MAXMEMORY-P?LICY"),
    "*2\r\n$16\r\nmaxmemory-policy\r\n$10\r\nnoeviction\r\n",
  );
});

Deno.test("CONFIG GET: a map in RESP3", async () => {
  const bench = new Bench(3);
  assertEquals(
    await bench.run(configGet, "config", "get", "port"),
    "%1\r\n$4\r\nport\r\n$4\r\n6379\r\n",
  );
  assertEquals(await bench.run(configGet, "config", "get", "nosuch"), "%0\r\n");
});

Deno.test("CONFIG SET: goes through the control plane, or changes nothing", async () => {
  const bench = new Bench();
  assertEquals(await bench.run(configSet, "config", "set", "timeout", "5", "hz", "20"), "+OK\r\n");
  assertEquals([bench.config.timeoutSeconds, bench.config.hz], [5, 20]);
  await assertRejects(
    () => bench.run(configSet, "config", "set", "timeout", "6", "hz"),
    CommandError,
    "ERR syntax error",
  );
  await assertRejects(
    () => bench.run(configSet, "config", "set", "timeout", "6", "port", "1"),
    CommandError,
    "ERR CONFIG SET failed (possibly related to argument 'port') - can't set immutable config",
  );
  assertEquals(bench.config.timeoutSeconds, 5);
});

Deno.test("CONFIG SET: waits for the workers", async () => {
  const bench = new Bench();
  const workers = Promise.withResolvers<void>();
  Object.assign(bench.client.context, { control: { broadcast: () => workers.promise } });
  let reply: string | null = null;
  const running = bench.run(configSet, "config", "set", "hz", "20").then((text) => reply = text);
  await Promise.resolve();
  assertEquals(reply, null);
  workers.resolve();
  await running;
  assertEquals(reply, "+OK\r\n");
});

Deno.test("CONFIG REWRITE: writes the file, or says why not", async () => {
  const bench = new Bench();
  const files = new MemoryFiles({ "/work/n.conf": "dir /work\n" });
  const rewrite = createConfigRewrite(files);
  const run = () => bench.run(rewrite, "config", "rewrite");
  await assertRejects(run, CommandError, "ERR The server is running without a config file");
  bench.config.configFile = "/work/n.conf";
  bench.config.dir = "/work";
  await bench.run(configSet, "config", "set", "timeout", "5");
  assertEquals(await run(), "+OK\r\n");
  assertEquals(files.text("/work/n.conf"), "dir /work\n# Generated by CONFIG REWRITE\ntimeout 5\n");
  bench.config.configFile = "/work/none.conf";
  await assertRejects(
    run,
    CommandError,
    "ERR Rewriting config file: No such file or directory",
  );
  files.files.set("/work/none.conf", byteTextToBytes("port x"));
  await assertRejects(run, CommandError, "the file has been changed and cannot be read");
  assertEquals(bench.log.length, 3);
});

Deno.test("CONFIG RESETSTAT and CONFIG HELP", async () => {
  const bench = new Bench();
  assertEquals(await bench.run(configResetStatistics, "config", "resetstat"), "+OK\r\n");
  assertEquals(bench.resetCount, 1);
  const help = await bench.run(configHelp, "config", "help");
  const lines = help.split("\r\n").slice(0, -1);
  assertEquals(lines[0], `*${lines.length - 1}`);
  assertEquals(lines.slice(1).every((line) => line.startsWith("+")), true);
});

Deno.test("CONFIG: errors come as thrown CommandErrors, without a reply", () => {
  const bench = new Bench();
  const error = assertThrows(() => {
    bench.config.check([["nosuch", "1"]]);
  }, CommandError);
  assertEquals(
    error.message,
    "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'",
  );
});
