/**
 * A list in the making, to replace a key in one step.
 *
 * Its nodes are in the heap, and no entry names them until `store`; until then the keyspace is as
 * it was. Call `discard` in the end, whatever has happened.
 *
 * @module
 */

import { assert } from "../assert.ts";
import * as entry from "../keyspace/entry.ts";
import { addToNode, createNodeOfOne, roomAtEnd, toInlineIfShort } from "./list_ends.ts";
import { encodedBytes } from "../formats/listpack.ts";
import * as nodes from "./quicklist_nodes.ts";
import { linkAtEnd } from "./sealed_nodes.ts";
import type { Shard } from "../keyspace/shard.ts";
import type { Ref } from "../types.ts";
import { NONE } from "../types.ts";

const QUICKLIST = entry.TYPE_LIST | (entry.ENCODING_QUICKLIST << 4);

/** One worker's result; used for one command after another. */
export class ListResult {
  #shard: Shard | null = null;
  #root: Ref = NONE;
  #fill = 0;

  /**
   * Starts an empty result that a key of `shard` may get. The shard stays locked until `discard`.
   *
   * @param fill How much one node holds, as `list-max-listpack-size` says it.
   * @throws OutOfMemoryError
   */
  begin(shard: Shard, fill: number): void {
    assert(this.#root === NONE, "the last result was discarded");
    this.#root = nodes.createRoot(shard);
    this.#shard = shard;
    this.#fill = fill;
  }

  /** Adds an element at the end. Throws `OutOfMemoryError`. */
  push(bytes: Uint8Array, start: number, lengthBytes: number): void {
    const shard = this.#openShard();
    const window = shard.window;
    const root = this.#root;
    const last = nodes.lastNode(window, root);
    const elementBytes = encodedBytes(bytes, start, lengthBytes);
    const node = last === NONE
      ? NONE
      : roomAtEnd(shard, root, last, false, elementBytes, this.#fill);
    if (node === NONE) {
      const fresh = createNodeOfOne(shard, bytes, start, lengthBytes, false, this.#fill);
      linkAtEnd(shard, root, fresh, false);
    } else {
      addToNode(shard, node, false, elementBytes, bytes, start, lengthBytes);
    }
    nodes.addToRootCount(window, root, 1);
  }

  #openShard(): Shard {
    assert(this.#shard !== null, "the result was begun");
    return this.#shard;
  }

  /**
   * Makes a key hold the result, which must not be empty, in the place of whatever it holds. It has
   * no expiry then.
   *
   * @param existing The key's entry, or `NONE`.
   * @throws OutOfMemoryError The key is as it was.
   */
  store(
    database: number,
    keyBytes: Uint8Array,
    keyStart: number,
    keyLengthBytes: number,
    hash: number,
    existing: Ref,
  ): void {
    const shard = this.#openShard();
    assert(nodes.rootCount(shard.window, this.#root) > 0, "an empty list is not stored");
    const flags = entry.ENTRY_EXTERNAL;
    const ref = shard.createEntry(QUICKLIST, flags, keyBytes, keyStart, keyLengthBytes, 0);
    const bytes = nodes.QUICKLIST_ROOT_BYTES;
    entry.setEntryExternal(shard.window, ref, this.#root, bytes, bytes);
    this.#root = NONE;
    if (existing === NONE) shard.insert(database, ref, hash);
    else shard.replace(database, existing, ref, hash, true);
    toInlineIfShort(shard, database, ref, hash);
  }

  /** Frees what no key has got. */
  discard(): void {
    const shard = this.#shard;
    const root = this.#root;
    this.#shard = null;
    this.#root = NONE;
    if (shard === null || root === NONE) return;
    while (nodes.firstNode(shard.window, root) !== NONE) {
      nodes.removeNode(shard, root, nodes.firstNode(shard.window, root));
    }
    shard.allocator.free(root, nodes.QUICKLIST_ROOT_BYTES);
  }
}
