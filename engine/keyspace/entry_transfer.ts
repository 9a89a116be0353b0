/**
 * Copies of entries: with other optional fields, under another key, in another database or shard.
 *
 * Needs the locks of all shards that it is given. What throws `OutOfMemoryError` has changed
 * nothing.
 *
 * @module
 */

import { copyBytes } from "../bytes.ts";
import * as entry from "./entry.ts";
import type { Shard } from "./shard.ts";
import { OutOfMemoryError } from "./shard.ts";
import type { Ref } from "../types.ts";
import { NONE } from "../types.ts";
import { valueAdapterOf } from "./value_types.ts";

/**
 * A copy of the entry, with the same key, value and heat, that has the optional fields `flags`
 * (which must agree with the entry's on EXTERNAL). In no dictionary yet; an expiry is copied when
 * both have one.
 *
 * @throws OutOfMemoryError
 */
export function reshapeEntry(shard: Shard, ref: Ref, flags: number): Ref {
  const window = shard.window;
  const isExternal = (flags & entry.ENTRY_EXTERNAL) !== 0;
  const inlineBytes = isExternal ? 0 : entry.entryValueLength(window, ref);
  const moved = shard.createEntry(
    window.u8[entry.byteOffsetOf(ref)],
    flags,
    window.u8,
    entry.entryKeyStart(window, ref),
    entry.entryKeyLength(window, ref),
    inlineBytes,
  );
  entry.copyEntryHeat(window, ref, window, moved);
  if (isExternal) {
    nameValueOf(shard, moved, ref);
  } else {
    const from = entry.entryValueStart(window, ref);
    copyBytes(window.u8, entry.entryValueStart(window, moved), window.u8, from, inlineBytes);
  }
  const expiresInBoth = flags & entry.entryFlags(window, ref) & entry.ENTRY_EXPIRES;
  if (expiresInBoth !== 0) {
    entry.setEntryExpiresAtMs(window, moved, entry.entryExpiresAtMs(window, ref));
  }
  return moved;
}

/** Makes an EXTERNAL entry name the value of another one, in the same shard. */
function nameValueOf(shard: Shard, ref: Ref, other: Ref): void {
  const window = shard.window;
  entry.setEntryExternal(
    window,
    ref,
    entry.entryValueRef(window, other),
    entry.entryValueLength(window, other),
    entry.entryValueBlockBytes(window, other),
  );
}

/**
 * Gives a copy of an entry, under another key or in another database or both, with expiry and heat.
 * O(bytes of the value).
 *
 * @param existing The entry that the target key has now, or `NONE`; it is replaced.
 * @throws OutOfMemoryError
 */
export function copyEntry(
  from: Shard,
  ref: Ref,
  to: Shard,
  database: number,
  keyBytes: Uint8Array,
  keyStart: number,
  keyLengthBytes: number,
  hash: number,
  existing: Ref,
): Ref {
  const source = from.window;
  const target = to.window;
  const flags = entry.entryFlags(source, ref) & ~entry.ENTRY_LONG_KEY;
  const isExternal = (flags & entry.ENTRY_EXTERNAL) !== 0;
  const lengthBytes = isExternal ? 0 : entry.entryValueLength(source, ref);
  const type = source.u8[entry.byteOffsetOf(ref)];
  const copy = to.createEntry(type, flags, keyBytes, keyStart, keyLengthBytes, lengthBytes);
  if ((flags & entry.ENTRY_EXPIRES) !== 0) {
    entry.setEntryExpiresAtMs(target, copy, entry.entryExpiresAtMs(source, ref));
  }
  entry.copyEntryHeat(source, ref, target, copy);
  if (isExternal) {
    copyExternalValue(from, ref, to, copy);
  } else {
    const sourceStart = entry.entryValueStart(source, ref);
    const valueStart = entry.entryValueStart(target, copy);
    copyBytes(target.u8, valueStart, source.u8, sourceStart, lengthBytes);
  }
  if (existing === NONE) to.insert(database, copy, hash);
  else to.replace(database, existing, copy, hash, true);
  return copy;
}

/** Gives `copy`, a new EXTERNAL entry, a copy of the value; when there is no room, frees it. */
function copyExternalValue(from: Shard, ref: Ref, to: Shard, copy: Ref): void {
  entry.setEntryExternal(to.window, copy, NONE, 0, 0);
  try {
    if (entry.entryIsStructure(from.window, ref)) {
      valueAdapterOf(entry.entryType(from.window, ref)).copy(from, ref, to, copy);
      return;
    }
    const lengthBytes = entry.entryValueLength(from.window, ref);
    const valueRef = to.allocate(lengthBytes);
    entry.setEntryExternal(to.window, copy, valueRef, lengthBytes, lengthBytes);
    const sourceStart = entry.entryValueStart(from.window, ref);
    const start = entry.byteOffsetOf(valueRef);
    copyBytes(to.window.u8, start, from.window.u8, sourceStart, lengthBytes);
  } catch (error) {
    if (error instanceof OutOfMemoryError) to.freeBlock(copy);
    throw error;
  }
}

/**
 * Moves an entry to another key, database or shard. It stays on its node. Within a shard a value
 * outside the entry stays where it is; across shards it is copied, O(bytes of the value).
 *
 * @param existing The entry that the target key has now, or `NONE`; it is replaced.
 * @throws OutOfMemoryError
 */
export function moveEntry(
  from: Shard,
  fromDatabase: number,
  ref: Ref,
  fromHash: number,
  to: Shard,
  toDatabase: number,
  keyBytes: Uint8Array,
  keyStart: number,
  keyLengthBytes: number,
  hash: number,
  existing: Ref,
): Ref {
  const flags = entry.entryFlags(from.window, ref);
  to.placeOn(from.allocator.nodeOf(ref));
  if (from !== to || (flags & entry.ENTRY_EXTERNAL) === 0) {
    const copy = copyEntry(
      from,
      ref,
      to,
      toDatabase,
      keyBytes,
      keyStart,
      keyLengthBytes,
      hash,
      existing,
    );
    from.unlink(fromDatabase, ref, fromHash);
    return copy;
  }
  const moved = nameAnew(from, ref, keyBytes, keyStart, keyLengthBytes);
  if (existing === NONE) from.insert(toDatabase, moved, hash);
  else from.replace(toDatabase, existing, moved, hash, true);
  nameValueOf(from, moved, ref);
  from.detach(fromDatabase, ref, fromHash);
  from.freeBlock(ref);
  return moved;
}

/**
 * An EXTERNAL entry like `ref` under another key, in no dictionary. It has no value yet, so that
 * running out of memory frees nothing that is in use.
 */
function nameAnew(
  shard: Shard,
  ref: Ref,
  keyBytes: Uint8Array,
  keyStart: number,
  keyLengthBytes: number,
): Ref {
  const window = shard.window;
  const flags = entry.entryFlags(window, ref) & ~entry.ENTRY_LONG_KEY;
  const type = window.u8[entry.byteOffsetOf(ref)];
  const named = shard.createEntry(type, flags, keyBytes, keyStart, keyLengthBytes, 0);
  entry.setEntryExternal(window, named, NONE, 0, 0);
  if ((flags & entry.ENTRY_EXPIRES) !== 0) {
    entry.setEntryExpiresAtMs(window, named, entry.entryExpiresAtMs(window, ref));
  }
  entry.copyEntryHeat(window, ref, window, named);
  return named;
}
