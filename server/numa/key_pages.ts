/**
 * Where the kernel says that a key's pages are: the witness for what our own arithmetic claims.
 *
 * @module
 */

import {
  ENTRY_EXTERNAL,
  entryBytes,
  entryFlags,
  entryIsStructure,
  entryType,
  entryValueBlockBytes,
  entryValueRef,
  type Keyspace,
  type Ref,
  type Shard,
  valueAdapterOf,
} from "../../engine/mod.ts";
import { NumaError, pageBytes, SharedMemory } from "../../ffi/mod.ts";

/** Pages that the kernel is asked for at most, about half a millisecond; spread over the value. */
const PAGES_MAX = 2048;
const REF_BYTES = 16;

/** The answer. */
export interface KeyPages {
  /** Pages that the key's blocks touch. */
  readonly totalCount: number;
  /** How many of them were asked for. */
  readonly askedCount: number;
  /** Nodes by the kernel's number, with pages on each; -1 for pages that are not there. */
  readonly countByNode: readonly (readonly [node: number, count: number])[];
  /** Why the kernel does not tell; null when it did. */
  readonly refusal: string | null;
}

/** Asks for the pages of a key's blocks. Under the shard's lock. O(blocks). */
export function pagesOfKey(keyspace: Keyspace, shard: Shard, ref: Ref): KeyPages {
  const pages = pageOffsets(shard, ref);
  const stride = Math.ceil(pages.length / PAGES_MAX);
  const asked = stride <= 1 ? pages : pages.filter((_, index) => index % stride === 0);
  try {
    const nodes = new SharedMemory(keyspace.heap.buffer).nodesOf(asked);
    const counts = new Map<number, number>();
    for (const node of nodes) {
      const shown = node < 0 ? -1 : node;
      counts.set(shown, (counts.get(shown) ?? 0) + 1);
    }
    return {
      totalCount: pages.length,
      askedCount: asked.length,
      countByNode: [...counts].sort(([a], [b]) => a - b),
      refusal: null,
    };
  } catch (error) {
    if (!(error instanceof NumaError)) throw error;
    return {
      totalCount: pages.length,
      askedCount: 0,
      countByNode: [],
      refusal: error.message,
    };
  }
}

/** Offsets in the heap's buffer of the pages that the key's blocks touch, each once, rising. */
function pageOffsets(shard: Shard, ref: Ref): number[] {
  const { window } = shard;
  const size = pageBytes();
  const found = new Set<number>();
  const add = (block: Ref, bytes: number) => {
    const start = window.baseBytes + block * REF_BYTES;
    for (let at = Math.floor(start / size); at * size < start + bytes; at++) found.add(at * size);
  };
  add(ref, entryBytes(window, ref));
  if ((entryFlags(window, ref) & ENTRY_EXTERNAL) !== 0) {
    if (entryIsStructure(window, ref)) {
      valueAdapterOf(entryType(window, ref)).visitBlocks(shard, ref, add);
    } else {
      add(entryValueRef(window, ref), entryValueBlockBytes(window, ref));
    }
  }
  return [...found].sort((a, b) => a - b);
}
