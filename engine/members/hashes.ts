/**
 * Hashes: a listpack of fields and values in turn while few and short, a table of members above.
 *
 * A listpack (listpack.ts) is a blob in Redis's own format, in the order in which fields came. A
 * table (member_table.ts) is a structure whose root block is the table's header and nothing else. A
 * hash never goes back from a table to a listpack, as in Redis, and an empty hash does not exist:
 * its key is removed.
 *
 * A field that was *drawn* is a number: where its element lies in the listpack, or its block's ref
 * in the table. It is good until the hash changes.
 *
 * All functions run under the lock of the shard they are given. What throws `OutOfMemoryError` has
 * changed nothing. Complexity: O(1) for a table; O(n) for a listpack of n fields.
 *
 * @module
 */

import { blobToStructure, createStructure } from "../keyspace/blob.ts";
import * as entry from "../keyspace/entry.ts";
import * as listpack from "../formats/listpack.ts";
import * as packed from "../keyspace/listpack_value.ts";
import * as layout from "./member_layout.ts";
import * as members from "./member_table.ts";
import { withMemberRoot } from "./member_table_blocks.ts";
import type { ScanBatch } from "../keyspace/scan_cursor.ts";
import type { Shard } from "../keyspace/shard.ts";
import type { StringView } from "../strings/strings.ts";
import type { Ref } from "../types.ts";
import * as types from "../types.ts";

// Copies of imported constants, so that V8 can fold them; allocator.ts says what it is worth.
const { ENCODING_HASHTABLE, ENCODING_LISTPACK, TYPE_HASH } = entry;
const { EMPTY_LISTPACK_BYTES, LISTPACK_HEADER_BYTES } = listpack;
const { elementBytes, encodedBytes, findElement, firstElement } = listpack;
const { listpackCount, nextElement, writeElement } = listpack;
const { createListpack, listpackStart, listpackValueCount, spliceListpack } = packed;
const { MEMBER_VALUED } = layout;
const { MEMBER_TABLE_BYTES } = members;
const { NONE } = types;

const LISTPACK = TYPE_HASH | (ENCODING_LISTPACK << 4);
const HASHTABLE = TYPE_HASH | (ENCODING_HASHTABLE << 4);
/** Longest listpack, as in Redis, whatever is configured. */
const LISTPACK_BYTES_MAX = 2 ** 30;
/** A hash that becomes a table gets room for its fields times this, in percent. */
const ROOM_PERCENT = 125;

const FIELD = new listpack.ListpackElement();
const VALUE = new listpack.ListpackElement();

/** Whether the hash is a table of members; else it is a listpack. */
export function hashIsTable(shard: Shard, ref: Ref): boolean {
  return entry.entryEncoding(shard.window, ref) === ENCODING_HASHTABLE;
}

/** The table of a hash that is one: an index in the window's `u32`. */
export function hashTable(shard: Shard, ref: Ref): number {
  return entry.entryValueRef(shard.window, ref) * 4;
}

/** Number of fields. O(1), but O(n) in a listpack of 32768 fields or more. */
export function hashCount(shard: Shard, ref: Ref): number {
  if (hashIsTable(shard, ref)) return members.memberCount(shard, hashTable(shard, ref));
  return listpackValueCount(shard.window, ref) / 2;
}

/** Where the field's element lies in a hash that is a listpack; -1 when there is none. */
function findField(
  shard: Shard,
  ref: Ref,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
): number {
  const u8 = shard.window.u8;
  const first = firstElement(u8, listpackStart(shard.window, ref));
  return findElement(u8, first, field, fieldStart, fieldLength, 1);
}

/** The field's block in a hash that is a table; `NONE` when there is none. */
function findBlock(
  shard: Shard,
  ref: Ref,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
): Ref {
  const table = hashTable(shard, ref);
  const hash = members.hashMember(shard, field, fieldStart, fieldLength);
  return members.findMember(shard, table, field, fieldStart, fieldLength, hash);
}

/** Whether the hash has the field. */
export function hashHas(
  shard: Shard,
  ref: Ref,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
): boolean {
  return hashIsTable(shard, ref)
    ? findBlock(shard, ref, field, fieldStart, fieldLength) !== NONE
    : findField(shard, ref, field, fieldStart, fieldLength) !== -1;
}

/**
 * Points `view` at the field's value. Good until any hash changes or the next such view.
 *
 * @returns Whether the hash has the field; if not, `view` is as it was.
 */
export function viewHashValue(
  shard: Shard,
  ref: Ref,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
  view: StringView,
): boolean {
  if (hashIsTable(shard, ref)) {
    const block = findBlock(shard, ref, field, fieldStart, fieldLength);
    if (block === NONE) return false;
    viewBlockValue(shard, block, view);
    return true;
  }
  const at = findField(shard, ref, field, fieldStart, fieldLength);
  if (at === -1) return false;
  viewElement(shard.window.u8, nextElement(shard.window.u8, at), VALUE, view);
  return true;
}

function viewElement(
  u8: Uint8Array,
  at: number,
  element: listpack.ListpackElement,
  view: StringView,
): void {
  listpack.readElementText(u8, at, element);
  view.bytes = element.bytes;
  view.start = element.start;
  view.lengthBytes = element.lengthBytes;
}

function viewBlockValue(shard: Shard, block: Ref, view: StringView): void {
  view.bytes = shard.window.u8;
  view.start = layout.memberValueStart(shard.window, block);
  view.lengthBytes = layout.memberValueLength(shard.window, block);
}

/** Sets a field of a table. Throws `OutOfMemoryError`. */
export function setInHashTable(
  shard: Shard,
  root: Ref,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
  value: Uint8Array,
  valueStart: number,
  valueLength: number,
): void {
  const table = root * 4;
  const hash = members.hashMember(shard, field, fieldStart, fieldLength);
  const found = members.findMember(shard, table, field, fieldStart, fieldLength, hash);
  if (found !== NONE) {
    members.setMemberValue(shard, table, found, hash, value, valueStart, valueLength);
    return;
  }
  members.insertValuedMember(
    shard,
    table,
    field,
    fieldStart,
    fieldLength,
    hash,
    value,
    valueStart,
    valueLength,
  );
}

/**
 * Makes a new key hold a hash of one field.
 *
 * @param entriesMax Fields of the largest hash that is a listpack.
 * @param lengthMax Bytes of the longest field or value in such a hash.
 * @returns The key's entry.
 * @throws OutOfMemoryError
 */
export function createHash(
  shard: Shard,
  database: number,
  keyBytes: Uint8Array,
  keyStart: number,
  keyLengthBytes: number,
  hash: number,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
  value: Uint8Array,
  valueStart: number,
  valueLength: number,
  entriesMax: number,
  lengthMax: number,
): Ref {
  if (fieldLength <= lengthMax && valueLength <= lengthMax && entriesMax >= 1) {
    const totalBytes = EMPTY_LISTPACK_BYTES + encodedBytes(field, fieldStart, fieldLength) +
      encodedBytes(value, valueStart, valueLength);
    const ref = createListpack(
      shard,
      database,
      keyBytes,
      keyStart,
      keyLengthBytes,
      hash,
      LISTPACK,
      totalBytes,
      2,
    );
    const u8 = shard.window.u8;
    const at = listpackStart(shard.window, ref) + LISTPACK_HEADER_BYTES;
    const valueAt = writeElement(u8, at, field, fieldStart, fieldLength);
    writeElement(u8, valueAt, value, valueStart, valueLength);
    return ref;
  }
  return withMemberRoot(shard, MEMBER_VALUED, (root) => {
    setInHashTable(shard, root, field, fieldStart, fieldLength, value, valueStart, valueLength);
    return createStructure(
      shard,
      database,
      keyBytes,
      keyStart,
      keyLengthBytes,
      hash,
      HASHTABLE,
      root,
      MEMBER_TABLE_BYTES,
    );
  });
}

/**
 * Sets a field, which may be new: `hashCount` tells.
 *
 * @param entriesMax Fields of the largest hash that is a listpack.
 * @param lengthMax Bytes of the longest field or value in such a hash.
 * @returns The key's entry, which may have moved.
 * @throws OutOfMemoryError
 */
export function setInHash(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
  value: Uint8Array,
  valueStart: number,
  valueLength: number,
  entriesMax: number,
  lengthMax: number,
): Ref {
  let current = ref;
  if (!hashIsTable(shard, ref)) {
    if (fieldLength <= lengthMax && valueLength <= lengthMax) {
      const updated = setInListpack(
        shard,
        database,
        ref,
        hash,
        field,
        fieldStart,
        fieldLength,
        value,
        valueStart,
        valueLength,
        entriesMax,
      );
      if (updated !== NONE) return updated;
    }
    current = hashToTable(shard, database, ref, hash);
  }
  setInHashTable(
    shard,
    entry.entryValueRef(shard.window, current),
    field,
    fieldStart,
    fieldLength,
    value,
    valueStart,
    valueLength,
  );
  return current;
}

/** Sets a field of a listpack; returns `NONE`, with nothing changed, when it would be too large. */
function setInListpack(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
  value: Uint8Array,
  valueStart: number,
  valueLength: number,
  entriesMax: number,
): Ref {
  const u8 = shard.window.u8;
  const start = listpackStart(shard.window, ref);
  const totalBytes = packed.listpackValueBytes(shard.window, ref);
  const valueBytes = encodedBytes(value, valueStart, valueLength);
  const at = findField(shard, ref, field, fieldStart, fieldLength);
  if (at !== -1) {
    const valueAt = nextElement(u8, at);
    const offset = valueAt - start;
    const oldBytes = elementBytes(u8, valueAt);
    if (totalBytes + valueBytes > LISTPACK_BYTES_MAX) return NONE;
    const moved = spliceListpack(shard, database, ref, hash, offset, oldBytes, valueBytes, 0);
    const place = listpackStart(shard.window, moved) + offset;
    writeElement(u8, place, value, valueStart, valueLength);
    return moved;
  }
  const pairBytes = encodedBytes(field, fieldStart, fieldLength) + valueBytes;
  if (hashCount(shard, ref) >= entriesMax) return NONE;
  if (totalBytes + pairBytes > LISTPACK_BYTES_MAX) return NONE;
  const offset = totalBytes - 1;
  const moved = spliceListpack(shard, database, ref, hash, offset, 0, pairBytes, 2);
  const place = listpackStart(shard.window, moved) + offset;
  const valueAt = writeElement(u8, place, field, fieldStart, fieldLength);
  writeElement(u8, valueAt, value, valueStart, valueLength);
  return moved;
}

/**
 * Makes a hash that is a listpack a table.
 *
 * @returns The key's entry, which may have moved.
 * @throws OutOfMemoryError
 */
export function hashToTable(shard: Shard, database: number, ref: Ref, hash: number): Ref {
  return withMemberRoot(shard, MEMBER_VALUED, (root) => {
    const u8 = shard.window.u8;
    addListpackToTable(shard, root, u8, listpackStart(shard.window, ref));
    return blobToStructure(
      shard,
      database,
      ref,
      hash,
      ENCODING_HASHTABLE,
      root,
      MEMBER_TABLE_BYTES,
    );
  });
}

/** Sets all fields of a listpack of fields and values in a table. Throws `OutOfMemoryError`. */
export function addListpackToTable(shard: Shard, root: Ref, u8: Uint8Array, start: number): void {
  const pairs = listpackCount(u8, start) / 2;
  members.reserveMembers(shard, root * 4, Math.ceil(pairs * ROOM_PERCENT / 100));
  let at = firstElement(u8, start);
  while (at !== -1) {
    const valueAt = nextElement(u8, at);
    listpack.readElementText(u8, at, FIELD);
    listpack.readElementText(u8, valueAt, VALUE);
    setInHashTable(
      shard,
      root,
      FIELD.bytes,
      FIELD.start,
      FIELD.lengthBytes,
      VALUE.bytes,
      VALUE.start,
      VALUE.lengthBytes,
    );
    at = nextElement(u8, valueAt);
  }
}

/**
 * Takes a field out, if there is one: `hashCount` tells.
 *
 * @returns The key's entry, which may have moved; `NONE` when the hash is empty and the key gone.
 * @throws OutOfMemoryError When a listpack has no room to move to.
 */
export function removeFromHash(
  shard: Shard,
  database: number,
  ref: Ref,
  hash: number,
  field: Uint8Array,
  fieldStart: number,
  fieldLength: number,
): Ref {
  if (hashIsTable(shard, ref)) {
    const table = hashTable(shard, ref);
    const fieldHash = members.hashMember(shard, field, fieldStart, fieldLength);
    const block = members.findMember(shard, table, field, fieldStart, fieldLength, fieldHash);
    if (block === NONE) return ref;
    members.removeMember(shard, table, block, fieldHash);
    if (members.memberCount(shard, table) !== 0) return ref;
    shard.remove(database, ref, hash);
    return NONE;
  }
  const at = findField(shard, ref, field, fieldStart, fieldLength);
  if (at === -1) return ref;
  if (hashCount(shard, ref) === 1) {
    shard.remove(database, ref, hash);
    return NONE;
  }
  const u8 = shard.window.u8;
  const offset = at - listpackStart(shard.window, ref);
  const fieldBytes = elementBytes(u8, at);
  const pairBytes = fieldBytes + elementBytes(u8, at + fieldBytes);
  return spliceListpack(shard, database, ref, hash, offset, pairBytes, 0, -2);
}

/** Draws a field at random, all with the same chance. `random` gives numbers in [0, 1). */
export function drawFromHash(shard: Shard, ref: Ref, random: () => number): number {
  if (hashIsTable(shard, ref)) {
    return members.randomMember(shard, hashTable(shard, ref), random);
  }
  const { window } = shard;
  const index = Math.floor(random() * hashCount(shard, ref));
  const start = listpackStart(window, ref);
  return listpack.elementWithin(window.u8, start, packed.listpackEnd(window, ref), index * 2);
}

/** Points views at a field that was drawn, or that a scan met, and at its value. */
export function viewHashPair(
  shard: Shard,
  ref: Ref,
  drawn: number,
  field: StringView,
  value: StringView,
): void {
  if (hashIsTable(shard, ref)) {
    field.bytes = shard.window.u8;
    field.start = layout.memberStart(shard.window, MEMBER_VALUED, drawn as Ref);
    field.lengthBytes = layout.memberLength(shard.window, MEMBER_VALUED, drawn as Ref);
    viewBlockValue(shard, drawn as Ref, value);
    return;
  }
  const u8 = shard.window.u8;
  viewElement(u8, drawn, FIELD, field);
  viewElement(u8, nextElement(u8, drawn), VALUE, value);
}

/**
 * One step of a scan of a hash that is a table: adds the fields met to `batch`, for
 * `viewHashPair`.
 *
 * @returns The next cursor; 0 when all were met.
 */
export function scanHashTable(shard: Shard, ref: Ref, cursor: number, batch: ScanBatch): number {
  return members.scanMembers(shard, hashTable(shard, ref), cursor, batch);
}
