/** Rebalancing with keys so long that few of them are all there is. */

import { assert, assertEquals } from "@std/assert";
import type { HeapNode } from "../../../server/numa/nodes.ts";
import { Rebalance } from "../../../server/numa/rebalance.ts";
import type { Keyspace, NodeSlot } from "../../../engine/mod.ts";
import { createTestKeyspace, putString } from "../../support/keyspace.ts";

const LONG_BYTES = 1_000_000;
const THRESHOLD_PERCENT = 10;
const now = () => performance.now();

function rebalance(keyspace: Keyspace): Rebalance {
  const nodes = [0, 1].map((slot): HeapNode => ({
    id: slot,
    slot: slot as NodeSlot,
    hasProcessors: true,
  } as HeapNode));
  const work = new Rebalance(keyspace, nodes, THRESHOLD_PERCENT, now);
  while (!work.step());
  return work;
}

for (const [keys, moved, spread] of [[1, 0, 100], [3, 1, 33], [5, 2, 20], [10, 5, 0]]) {
  Deno.test(`rebalance: ${keys} long keys lie as evenly as they can, and rest then`, () => {
    const keyspace = createTestKeyspace({ nodeCount: 2, shardCount: 1 });
    for (let i = 0; i < keys; i++) {
      putString(keyspace, 0, new TextEncoder().encode(`key ${i}`), new Uint8Array(LONG_BYTES));
    }
    const first = rebalance(keyspace);
    assertEquals(first.report.movedKeys, moved);
    assert(Math.abs(first.spreadAfterPercent - spread) < 1, `${first.spreadAfterPercent} %`);
    assertEquals(rebalance(keyspace).report.movedKeys, 0);
  });
}

Deno.test("rebalance: short keys make up for a long one that cannot move", () => {
  const keyspace = createTestKeyspace({ nodeCount: 2, shardCount: 2 });
  putString(keyspace, 0, new TextEncoder().encode("long"), new Uint8Array(8 * LONG_BYTES));
  for (let i = 0; i < 4000; i++) {
    putString(keyspace, 0, new TextEncoder().encode(`key ${i}`), new Uint8Array(1000));
  }
  const work = rebalance(keyspace);
  assert(work.report.movedKeys > 3800, `${work.report.movedKeys} keys`);
  assertEquals(rebalance(keyspace).report.movedKeys <= 4000 - work.report.movedKeys, true);
});
