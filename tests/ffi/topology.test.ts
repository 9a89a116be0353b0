import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { affinity, NumaError, readTopology, runOnNode, type Topology } from "../../ffi/mod.ts";
import { formatNumberList, parseNumberList } from "../../ffi/number_lists.ts";
import { peerTest } from "../support/peers.ts";

const PRINT_TOPOLOGY = new URL("./print_topology.ts", import.meta.url).pathname;

Deno.test("the topology is whole and can be posted to workers", () => {
  const topology = readTopology();
  assertEquals(structuredClone(topology), topology);
  assertEquals(topology.available, topology.reason === null);
  if (!topology.available) assertEquals(topology.nodes.length, 1);
  topology.nodes.forEach((node, index) => {
    assertGreater(node.totalBytes, 0);
    assert(node.freeBytes <= node.totalBytes);
    assertEquals(node.distances.length, topology.nodes.length);
    assertEquals(node.distances[index], 10);
  });
  const cpus = topology.nodes.flatMap((node) => node.cpus).sort((one, other) => one - other);
  assertEquals(cpus, affinity());
});

Deno.test("without libnuma there is one node with everything, and the reason", async () => {
  const topology = await topologyOfChild([], ["libnuma-that-is-not-here.so.1"]);
  assertEquals(topology.available, false);
  assertEquals(topology.reason, "libnuma-that-is-not-here.so.1 is not installed");
  assertEquals(topology.nodes.length, 1);
  const [node] = topology.nodes;
  assertEquals(node.id, 0);
  assertEquals(node.cpus, affinity());
  assertEquals(node.distances, [10]);
  assertGreater(node.totalBytes, 0);
});

peerTest("an inherited affinity narrows the topology and is told", ["numactl"], async () => {
  const cpus = affinity();
  const kept = cpus[cpus.length - 1];
  const topology = await topologyOfChild(["numactl", `--physcpubind=${kept}`], []);
  assertEquals(topology.nodes.flatMap((node) => node.cpus), [kept]);
  if (cpus.length === 1) return;
  assertEquals(topology.excluded.length, 1);
  assert(topology.excluded[0].endsWith("outside the inherited affinity (cpuset or taskset)"));
});

Deno.test("a thread cannot run on a node that is not there", () => {
  const before = affinity();
  const error = assertThrows(() => runOnNode(999), NumaError);
  assertEquals(error.call, "sched_setaffinity");
  assertEquals(error.errno, 22);
  assertEquals(affinity(), before);
});

Deno.test("lists of numbers are read and written as the kernel does", () => {
  for (const [text, numbers] of [["0", [0]], ["0-3", [0, 1, 2, 3]], ["0,2-3,9", [0, 2, 3, 9]]]) {
    assertEquals(parseNumberList(`${text}\n`), numbers);
    assertEquals(formatNumberList(numbers as number[]), text);
  }
  assertEquals(parseNumberList("\n"), []);
  assertEquals(formatNumberList([]), "");
});

/** The topology that a child with no permission but `--allow-ffi` reads. */
async function topologyOfChild(prefix: string[], parameters: string[]): Promise<Topology> {
  const words = [
    ...prefix,
    Deno.execPath(),
    ...["run", "--quiet", "--no-prompt", "--no-check", "--allow-ffi", PRINT_TOPOLOGY],
    ...parameters,
  ];
  const output = await new Deno.Command(words[0], { args: words.slice(1) }).output();
  assertEquals(new TextDecoder().decode(output.stderr), "");
  return JSON.parse(new TextDecoder().decode(output.stdout));
}
