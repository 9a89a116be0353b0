/**
 * A server on a machine that it takes for one with three nodes, two with processors and one
 * without: for tests of everything about nodes but where the kernel puts pages.
 *
 * @module
 */

import { main } from "../../mod.ts";

const GIBIBYTE_BYTES = 2 ** 30;

await main(Deno.args, {
  topology: {
    available: true,
    reason: null,
    nodes: [
      node(0, [0], [10, 20, 40]),
      node(1, [1], [20, 10, 40]),
      node(2, [], [40, 40, 10]),
    ],
    excluded: [],
  },
});

function node(id: number, cpus: number[], distances: number[]) {
  return { id, cpus, totalBytes: GIBIBYTE_BYTES, freeBytes: GIBIBYTE_BYTES / 2, distances };
}
