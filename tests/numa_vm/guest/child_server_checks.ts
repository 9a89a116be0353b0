/**
 * The server as its own process, started by numactl with part of the machine. What it wrote is
 * looked for from outside, in the kernel's account of the process.
 *
 * @module
 */

import { pageBytes } from "../../../ffi/mod.ts";
import { RespClient } from "../../support/resp_client.ts";
import { type GuestCheck, must, mustEqual } from "./check.ts";
import { boundPages } from "./numa_maps.ts";

const MIB = 1024 * 1024;
const PORT = 7001;
const PROJECT = new URL("../../..", import.meta.url).pathname;

/** With node 0 left out, the number of a node is not its place among the heap's nodes. */
const RESTRICTION = ["--membind=1,2", "--physcpubind=1"];
const SERVER = ["run", "--quiet", "--no-check", "--no-lock", "-A", "mod.ts", "--port", `${PORT}`];
const VALUE_BYTES = MIB;
const VALUE_COUNT = 8;

const EXPECTED_LOG = [
  /\* Topology: 2 nodes$/m,
  /\* Node 1: CPUs 1, .*, distances 10 40$/m,
  /\* Node 2: memory only, .*, distances 40 10$/m,
  /\* Excluded: the memory of node 0 is outside the inherited policy \(membind\)$/m,
  /\* Excluded: CPU 0 is outside the inherited affinity \(cpuset or taskset\)$/m,
  /\* Workers: 1, pinned: 0 on node 1$/m,
  /\* Memory mode: bound to nodes 1, 2$/m,
];

/** One server each. */
export const childServerChecks: readonly GuestCheck[] = [
  { name: "a server that inherits part of the machine uses that part only", run: checkRestricted },
];

async function checkRestricted(): Promise<void> {
  await using process = new Deno.Command("numactl", {
    args: [...RESTRICTION, Deno.execPath(), ...SERVER],
    cwd: PROJECT,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const log = await readUntil(lines, "Ready to accept connections");
  for (const line of EXPECTED_LOG) must(line.test(log), `the log lacks ${line}:\n${log}`);
  await checkPages(process.pid);
  mustEqual((await process.status).code, 0, "exit code");
  await lines.cancel();
}

/** Writes long values, looks where they are, and shuts the server down. */
async function checkPages(processId: number): Promise<void> {
  using client = await RespClient.connect({ port: PORT });
  for (let i = 0; i < VALUE_COUNT; i++) {
    mustEqual(await client.text("SET", `key:${i}`, "v".repeat(VALUE_BYTES)), "+OK\r\n", "SET");
  }
  const pages = boundPages(processId);
  for (const { node, pagesByNode } of pages) {
    mustEqual([...pagesByNode.keys()], [node], "nodes of a region's pages");
  }
  const onNode1 = pages.reduce((sum, { pagesByNode }) => sum + (pagesByNode.get(1) ?? 0), 0);
  must(onNode1 * pageBytes() >= VALUE_COUNT * VALUE_BYTES, `only ${onNode1} pages are on node 1`);
  await client.write(new TextEncoder().encode("SHUTDOWN NOSAVE\r\n"));
  mustEqual(await client.readReplyOrEnd(), null, "what follows SHUTDOWN");
}

async function readUntil(
  lines: ReadableStreamDefaultReader<string>,
  wanted: string,
): Promise<string> {
  let text = "";
  while (!text.includes(wanted)) {
    const { value, done } = await lines.read();
    must(!done, `the server ended:\n${text}`);
    text += value;
  }
  return text;
}
