/**
 * Sealed nodes: inner nodes of long lists, compressed.
 *
 * ```text
 *  node  word 0-3  as of every node; the start is `SEALED`
 *        word 4    elements
 *             5    elements of the listpack in front of them, cut off since
 *             6    bytes of the listpack
 *        byte 28   the listpack, compressed by LZF
 * ```
 *
 * A new node at an end seals the one `RAW_NODES_AT_END` places further in; so a push compresses
 * once per node, and what is read and changed most stays as it is. A reader opens a sealed node
 * into memory of its own, needing no lock to write. A change in the middle replaces the node by a
 * raw one, which the root notes and which is sealed again when the next one is changed. Popping
 * reaches a sealed node later than pushing would seal it again, so that no list goes to and fro;
 * it opens the node if there is memory, else it merely counts off elements: popping never fails.
 *
 * Elements such as `item:123456` need 4.9 instead of 13.0 bytes. Sealing a node of 8 KiB takes
 * 29 µs, 0.05 µs per element; opening it takes 19 µs. What does not lose a quarter of its bytes
 * (UUIDs: a seventh) stays raw; its first KiB decides, for trying all of it costs 100 µs.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { copyBytes } from "../bytes.ts";
import * as listpack from "../formats/listpack.ts";
import { lzfCompress, lzfDecompress } from "../formats/lzf.ts";
import * as nodes from "./quicklist_nodes.ts";
import { OutOfMemoryError, type Shard } from "../keyspace/shard.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import { NONE, type Ref, REF_UNIT_BYTES } from "../types.ts";

/** Nodes at each end that pushing leaves as they are: LRANGE of the first hundreds stays fast. */
export const RAW_NODES_AT_END = 8;

/** A shorter listpack is not worth its decompression. */
const SEALED_CONTENT_BYTES_MIN = 512;
/** As much of a listpack is compressed first, to see whether the rest is worth it. */
const PROBE_BYTES = 1024;

/** A listpack outside the heap; it is reused for one node after another. */
export class OpenedNode {
  /** Holds the listpack. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Where the listpack starts. */
  start = 0;

  /** Makes room; what was there is lost. */
  reserve(lengthBytes: number): void {
    if (this.bytes.length < lengthBytes) this.bytes = new Uint8Array(lengthBytes);
  }
}

const SCRATCH = new OpenedNode();

/** Decompresses a sealed node's elements, as a listpack. O(bytes). */
export function openNode(window: ShardWindow, node: Ref, into: OpenedNode): void {
  const totalBytes = nodes.sealedListpackBytes(window, node);
  const from = node * REF_UNIT_BYTES + nodes.SEALED_HEADER_BYTES;
  const compressedBytes = nodes.nodeBlockBytes(window, node) - nodes.SEALED_HEADER_BYTES;
  into.reserve(totalBytes);
  const { bytes } = into;
  const isWhole = lzfDecompress(window.u8, from, compressedBytes, bytes, 0, totalBytes);
  assert(isWhole, "a sealed node holds its listpack");
  into.start = 0;
  const count = nodes.nodeCount(window, node);
  const cut = nodes.sealedCutCount(window, node);
  if (cut === 0 && count === listpack.listpackCount(bytes, 0)) return;
  const first = listpack.elementAt(bytes, 0, cut);
  const behind = listpack.elementAt(bytes, 0, cut + count);
  const end = behind === -1 ? totalBytes - 1 : behind;
  bytes[end] = listpack.LISTPACK_END;
  into.start = first - listpack.LISTPACK_HEADER_BYTES;
  listpack.setHeader(bytes, into.start, end + 1 - into.start, count);
}

/** Compresses a node if that is worth it and there is memory. Returns the list's node now. */
export function sealNode(shard: Shard, root: Ref, node: Ref): Ref {
  const { window } = shard;
  if (nodes.isPlainNode(window, node) || nodes.isSealedNode(window, node)) return node;
  const from = nodes.nodeListpack(window, node);
  const contentBytes = nodes.nodeContentBytes(window, node);
  if (contentBytes < SEALED_CONTENT_BYTES_MIN) return node;
  // LZF wants one byte more than it may write.
  SCRATCH.reserve(contentBytes + 1);
  const { bytes } = SCRATCH;
  const probeBytes = Math.min(contentBytes, PROBE_BYTES);
  if (lzfCompress(window.u8, from, probeBytes, bytes, 0, worthBytes(probeBytes)) === 0) return node;
  const room = worthBytes(contentBytes);
  const compressedBytes = lzfCompress(window.u8, from, contentBytes, bytes, 0, room);
  if (compressedBytes === 0) return node;
  try {
    const count = nodes.nodeCount(window, node);
    const sealed = nodes.createSealedNode(shard, bytes, compressedBytes, count, contentBytes);
    nodes.replaceNode(shard, root, node, sealed);
    return sealed;
  } catch (error) {
    if (error instanceof OutOfMemoryError) return node;
    throw error;
  }
}

function worthBytes(lengthBytes: number): number {
  return lengthBytes - (lengthBytes >>> 2);
}

/** Makes a sealed node raw. Returns the list's node now. Throws `OutOfMemoryError`. */
function unsealNode(shard: Shard, root: Ref, node: Ref): Ref {
  openNode(shard.window, node, SCRATCH);
  const { bytes, start } = SCRATCH;
  const contentBytes = listpack.listpackBytes(bytes, start);
  const raw = nodes.createNode(shard, contentBytes, false, 0);
  const to = nodes.nodeListpack(shard.window, raw);
  copyBytes(shard.window.u8, to, bytes, start, contentBytes);
  nodes.replaceNode(shard, root, node, raw);
  return raw;
}

/**
 * Makes a sealed node raw for a change, and seals the one changed before.
 *
 * @returns The list's node now.
 * @throws OutOfMemoryError Nothing was changed.
 */
export function unsealForChange(shard: Shard, root: Ref, node: Ref): Ref {
  const { window } = shard;
  const raw = unsealNode(shard, root, node);
  const last = nodes.changedNode(window, root);
  if (last !== NONE && isInner(window, root, last)) sealNode(shard, root, last);
  nodes.setChangedNode(window, root, raw);
  return raw;
}

function isInner(window: ShardWindow, root: Ref, node: Ref): boolean {
  return node !== nodes.firstNode(window, root) && node !== nodes.lastNode(window, root);
}

/** Makes the node at an end raw, if there is memory. */
export function unsealEnd(shard: Shard, root: Ref, isFront: boolean): void {
  const { window } = shard;
  const node = isFront ? nodes.firstNode(window, root) : nodes.lastNode(window, root);
  if (node === NONE || !nodes.isSealedNode(window, node)) return;
  try {
    unsealNode(shard, root, node);
  } catch (error) {
    if (!(error instanceof OutOfMemoryError)) throw error;
  }
}

/** Puts a node at an end of the list and seals the one that is no longer near it. */
export function linkAtEnd(shard: Shard, root: Ref, node: Ref, isFront: boolean): void {
  const { window } = shard;
  nodes.linkNode(window, root, node, isFront ? NONE : nodes.lastNode(window, root));
  if (nodes.rootNodeCount(window, root) <= 2 * RAW_NODES_AT_END) return;
  let inner = node;
  for (let i = 0; i < RAW_NODES_AT_END; i++) {
    inner = isFront ? nodes.nodeBehind(window, inner) : nodes.nodeBefore(window, inner);
  }
  sealNode(shard, root, inner);
}
