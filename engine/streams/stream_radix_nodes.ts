/**
 * How many nodes Redis's radix tree would have for the nodes of a stream, since XINFO STREAM says.
 *
 * Redis keeps them under their ids as 16 bytes, big-endian. Its tree has a node for each key's end,
 * one for each place where keys part, and one for each run of bytes between two of those; the byte
 * that leads away from a parting belongs to the parting. So it follows from the lengths of the
 * prefixes that neighbouring keys share.
 *
 * @module
 */

import * as ids from "./stream_id.ts";
import { idCount } from "./stream_id_tree.ts";
import * as layout from "./stream_id_tree_layout.ts";

const KEY_BYTES = 16;
const BYTES_PER_WORD = 4;

/** Bytes that the ids at two places share in front. */
function sharedBytes(u32: Uint32Array, first: number, second: number): number {
  for (let word = 0; word < ids.ID_WORDS; word++) {
    const difference = u32[first + word] ^ u32[second + word];
    if (difference !== 0) return word * BYTES_PER_WORD + (Math.clz32(difference) >>> 3);
  }
  return KEY_BYTES;
}

/** Nodes of the radix tree over the ids of an index; 1 when it is empty. O(ids). */
export function radixNodeCount(u32: Uint32Array, header: number): number {
  const cursor = new layout.IdCursor();
  if (!layout.seekFirst(u32, header, cursor)) return 1;
  let nodes = idCount(u32, header);
  // Depths of the partings above the key at hand, rising; -1 stands for what is above the root.
  const depths = new Int32Array(KEY_BYTES + 1);
  let open = 1;
  depths[0] = -1;
  let last = cursor.word;
  while (layout.nextId(u32, header, cursor)) {
    const shared = sharedBytes(u32, last, cursor.word);
    last = cursor.word;
    let below = KEY_BYTES;
    for (; depths[open - 1] > shared; open--) {
      if (below > depths[open - 1] + 1) nodes++;
      below = depths[open - 1];
    }
    if (below > shared + 1) nodes++;
    if (depths[open - 1] === shared) continue;
    nodes++;
    depths[open++] = shared;
  }
  let below = KEY_BYTES;
  for (; open > 0; open--) {
    if (below > depths[open - 1] + 1) nodes++;
    below = depths[open - 1];
  }
  return nodes;
}
