/**
 * What lists and streams add to a fingerprint, as in redis-server:
 *
 * ```text
 * list     for each element: mix(element)
 * stream   for each entry: mix(milliseconds.sequence), for each field: mix(field), mix(value)
 * ```
 *
 * @module
 */

import type { Ref, Shard } from "../../engine/mod.ts";
import {
  ListCursor,
  ListpackElement,
  nextListElement,
  readListElement,
  seekElement,
} from "../../engine/mod.ts";
import {
  ID_MAX,
  ID_MIN,
  ID_TEXT_BYTES_MAX,
  writeIdBackward,
} from "../../engine/streams/stream_id.ts";
import { StreamReader } from "../../engine/streams/stream_reader.ts";
import { streamRoot } from "../../engine/streams/streams.ts";
import type { Fingerprint } from "./fingerprint.ts";

const HYPHEN = 45;
const DOT = 46;

const CURSOR = new ListCursor();
const ELEMENT = new ListpackElement();
const STREAMS = new StreamReader();
const ID = new Uint8Array(ID_TEXT_BYTES_MAX);

/** Adds a list. Needs the shard's lock. O(value). */
export function mixList(whole: Fingerprint, shard: Shard, ref: Ref): void {
  for (
    let isThere = seekElement(shard, ref, 0, CURSOR);
    isThere;
    isThere = nextListElement(shard, CURSOR)
  ) {
    readListElement(shard, CURSOR, ELEMENT);
    mixElement(whole, ELEMENT);
  }
}

/** Adds a stream's entries. Needs the shard's lock. O(value). */
export function mixStream(whole: Fingerprint, shard: Shard, ref: Ref): void {
  STREAMS.start(shard, streamRoot(shard, ref), ID_MIN, 0, ID_MAX, 0, false);
  while (STREAMS.next()) {
    const start = writeIdBackward(ID, ID.length, STREAMS.id, 0);
    ID[ID.indexOf(HYPHEN, start)] = DOT;
    whole.mix(ID, start, ID.length - start);
    for (let i = 0; i < STREAMS.fieldCount; i++) {
      STREAMS.nextField();
      mixElement(whole, STREAMS.field);
      mixElement(whole, STREAMS.value);
    }
  }
}

function mixElement(whole: Fingerprint, element: ListpackElement): void {
  whole.mix(element.bytes, element.start, element.lengthBytes);
}
