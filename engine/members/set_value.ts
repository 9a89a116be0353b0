/**
 * Registers sets: an intset, or a table of members.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { TYPE_SET } from "../keyspace/entry.ts";
import { isIntset } from "../formats/intset.ts";
import { createMemberTableAdapter } from "./member_table_adapter.ts";
import { registerValueAdapter } from "../keyspace/value_types.ts";

function checkIntset(u8: Uint8Array, start: number, lengthBytes: number): void {
  assert(isIntset(u8, start, lengthBytes), "a small set is an intset");
}

registerValueAdapter(TYPE_SET, createMemberTableAdapter("set", checkIntset));
