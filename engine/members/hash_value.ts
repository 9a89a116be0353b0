/**
 * Registers hashes: a listpack of pairs, or a table of fields with values.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { TYPE_HASH } from "../keyspace/entry.ts";
import { validateListpack } from "../formats/listpack_validation.ts";
import { createMemberTableAdapter } from "./member_table_adapter.ts";
import { registerValueAdapter } from "../keyspace/value_types.ts";

function checkListpack(u8: Uint8Array, start: number, lengthBytes: number): void {
  const count = validateListpack(u8, start, lengthBytes);
  assert(count > 0 && count % 2 === 0, "a small hash is a listpack of pairs");
}

registerValueAdapter(TYPE_HASH, createMemberTableAdapter("hash", checkListpack));
