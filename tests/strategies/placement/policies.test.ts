import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { PlacementNodes } from "../../../engine/keyspace/placement.ts";
import type { NodeSlot } from "../../../engine/types.ts";
import {
  createPlacementPolicy,
  LARGE_VALUE_BYTES_MIN,
  PLACEMENT_POLICY_NAMES,
  placementPolicyName,
} from "../../../strategies/placement/mod.ts";
import { randomSource } from "../../support/random_source.ts";

const GIB = 2 ** 30;

/** Nodes on a line: the farther apart the slots, the longer the distance. */
function fakeNodes(count: number, own = 0): PlacementNodes {
  const slots = Array.from({ length: count }, (_, slot) => slot);
  return {
    count,
    own,
    orders: slots.map((slot) =>
      slots.toSorted((a, b) => Math.abs(a - slot) - Math.abs(b - slot) || a - b) as NodeSlot[]
    ),
    hasProcessors: new Uint8Array(count).fill(1),
    weights: new Float64Array(count).fill(100),
    usedBytes: new Float64Array(count),
    capacityBytes: new Float64Array(count).fill(GIB),
    isFull: new Uint8Array(count),
  };
}

function policy(name: string, nodes: PlacementNodes) {
  const made = createPlacementPolicy(name, nodes);
  assert(made !== null);
  return made;
}

/** Shares of keys and bytes per node after `keyCount` decisions with random hashes and sizes. */
function shares(name: string, nodes: PlacementNodes, keyCount: number, seed = 1) {
  const random = randomSource(seed);
  const made = policy(name, nodes);
  const keys = new Float64Array(nodes.count);
  const bytes = new Float64Array(nodes.count);
  let allBytes = 0;
  for (let i = 0; i < keyCount; i++) {
    const keyBytes = 48 + Math.floor(2 ** (random() * 12));
    const slot = made.choose((random() * 2 ** 32) | 0, keyBytes);
    assert(Number.isInteger(slot) && slot >= 0 && slot < nodes.count, "a slot in range");
    keys[slot]++;
    bytes[slot] += keyBytes;
    allBytes += keyBytes;
  }
  return { keys: keys.map((n) => n / keyCount), bytes: bytes.map((n) => n / allBytes) };
}

Deno.test("every policy has a name of its own and answers within range on 1 to 16 nodes", () => {
  assertEquals(PLACEMENT_POLICY_NAMES, [
    "local_first",
    "interleave",
    "round_robin",
    "weighted",
    "pressure_aware",
    "cxl_optimized",
  ]);
  for (const name of PLACEMENT_POLICY_NAMES) {
    for (const count of [1, 2, 3, 8, 16]) {
      const nodes = fakeNodes(count, count - 1);
      assertEquals(policy(name, nodes).name, name);
      shares(name, nodes, 500);
    }
  }
  assertEquals(placementPolicyName("Interleaved"), "interleave");
  assertEquals(placementPolicyName("local"), "local_first");
  assertEquals(placementPolicyName("CXL"), "cxl_optimized");
  assertEquals(placementPolicyName("nearest"), null);
  assertEquals(createPlacementPolicy("nearest", fakeNodes(2)), null);
});

Deno.test("local_first stays on the worker's node", () => {
  assertEquals([...shares("local_first", fakeNodes(4, 2), 1000).keys], [0, 0, 1, 0]);
});

Deno.test("interleave gives every node its even share of keys, in every shard", () => {
  for (const count of [2, 3, 4, 8]) {
    for (const share of shares("interleave", fakeNodes(count), 200_000).keys) {
      assertAlmostEquals(share, 1 / count, 0.01);
    }
  }
  const nodes = fakeNodes(2);
  const made = policy("interleave", nodes);
  const random = randomSource(7);
  for (let shard = 0; shard < 16; shard++) {
    let first = 0;
    for (let i = 0; i < 20_000; i++) {
      const hash = (shard << 28) | Math.floor(random() * 2 ** 28);
      if (made.choose(hash, 64) === 0) first++;
      assertEquals(made.choose(hash, 64), made.choose(hash, 4096), "the hash alone decides");
    }
    assertAlmostEquals(first / 20_000, 0.5, 0.02);
  }
});

Deno.test("round_robin gives every node its turn, the worker's own first", () => {
  const made = policy("round_robin", fakeNodes(3, 1));
  assertEquals(Array.from({ length: 7 }, () => made.choose(0, 64)), [1, 2, 0, 1, 2, 0, 1]);
});

Deno.test("weights 80 and 120 give 40 % and 60 % of bytes and keys within 1 %", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const nodes = fakeNodes(2);
    nodes.weights.set([80, 120]);
    const { keys, bytes } = shares("weighted", nodes, 20_000, seed);
    assertAlmostEquals(bytes[0], 0.4, 0.01);
    assertAlmostEquals(bytes[1], 0.6, 0.01);
    assertAlmostEquals(keys[0], 0.4, 0.001);
    assertAlmostEquals(keys[1], 0.6, 0.001);
  }
  const nodes = fakeNodes(2);
  nodes.weights.set([80, 120]);
  const made = policy("weighted", nodes);
  const random = randomSource(3);
  const largeBytes = new Float64Array(2);
  for (let i = 0; i < 2000; i++) {
    const bytes = Math.floor(65_536 * 2 ** (random() * 8));
    largeBytes[made.choose(i, bytes)] += bytes;
  }
  assertAlmostEquals(largeBytes[0] / (largeBytes[0] + largeBytes[1]), 0.4, 0.005);
});

Deno.test("weights may change, be zero, or all be zero", () => {
  const nodes = fakeNodes(3, 1);
  nodes.weights.set([100, 0, 300]);
  const made = policy("weighted", nodes);
  const placed = new Float64Array(3);
  for (let i = 0; i < 4000; i++) placed[made.choose(i, 100)]++;
  assertEquals([...placed], [1000, 0, 3000]);
  nodes.weights.set([0, 100, 100]);
  made.refresh?.();
  placed.fill(0);
  for (let i = 0; i < 4000; i++) placed[made.choose(i, 100)]++;
  assertEquals([...placed], [0, 2000, 2000]);
  nodes.weights.fill(0);
  made.refresh?.();
  assertEquals(made.choose(1, 100), 1);
});

Deno.test("pressure_aware fills nodes evenly and does not swing at every refresh", () => {
  const nodes = fakeNodes(3);
  nodes.capacityBytes.set([GIB, GIB, GIB / 2]);
  const made = policy("pressure_aware", nodes);
  let changes = 0;
  let before = made.choose(0, 1);
  for (let step = 0; step < 20_000; step++) {
    const slot = made.choose(step, 65_536);
    if (slot !== before) changes++;
    before = slot;
    nodes.usedBytes[slot] += 65_536;
    if (step % 16 === 15) made.refresh?.();
  }
  const pressures = nodes.usedBytes.map((used, slot) => used / nodes.capacityBytes[slot]);
  assert(Math.max(...pressures) / Math.min(...pressures) < 1.06, `${pressures}`);
  assert(changes < 200, `${changes} changes in 1250 refreshes`);
});

Deno.test("pressure_aware avoids full nodes and manages without known capacities", () => {
  const nodes = fakeNodes(2);
  const made = policy("pressure_aware", nodes);
  nodes.isFull[0] = 1;
  made.refresh?.();
  assertEquals(made.choose(0, 64), 1);
  nodes.isFull[0] = 0;
  nodes.capacityBytes.fill(Infinity);
  nodes.usedBytes.set([100, 900]);
  made.refresh?.();
  assertEquals(made.choose(0, 64), 0);
});

Deno.test("cxl_optimized sends large values to memory-only nodes, all else to DRAM", () => {
  const nodes = fakeNodes(4);
  nodes.hasProcessors.set([1, 1, 0, 0]);
  const made = policy("cxl_optimized", nodes);
  assertEquals(made.choose(0, 100), 0);
  assertEquals(made.choose(0, LARGE_VALUE_BYTES_MIN - 1), 0);
  assertEquals(made.choose(0, LARGE_VALUE_BYTES_MIN), 2);
  nodes.usedBytes[0] = GIB * 0.96;
  made.refresh?.();
  assertEquals(made.choose(0, 100), 1, "the other DRAM node, when the own is pressed");
  nodes.usedBytes[1] = GIB;
  made.refresh?.();
  assertEquals(made.choose(0, 100), 2, "memory only, when all DRAM is pressed");
  nodes.isFull.set([0, 0, 1, 1]);
  made.refresh?.();
  assertEquals(made.choose(0, 100), 0, "the own node, when nothing has room");
  assertEquals(policy("cxl_optimized", fakeNodes(2, 1)).choose(0, 1e6), 1, "no memory-only node");
});
