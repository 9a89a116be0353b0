/**
 * Registers hashes: a listpack of pairs, or a table of fields with values.
 *
 * @module
 */

import { assert } from "../assert.ts";
import { TYPE_HASH } from "../keyspace/entry.ts";
import { listpackStart, listpackValueBytes } from "../keyspace/listpack_value.ts";
import { validateElements } from "../formats/listpack_validation.ts";
import { createMemberTableAdapter } from "./member_table_adapter.ts";
import { registerValueAdapter } from "../keyspace/value_types.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { Ref } from "../types.ts";

function checkListpack(window: ShardWindow, ref: Ref): void {
  const start = listpackStart(window, ref);
  const count = validateElements(window.u8, start, listpackValueBytes(window, ref));
  assert(count > 0 && count % 2 === 0, "a small hash is a listpack of pairs");
}

registerValueAdapter(TYPE_HASH, createMemberTableAdapter("hash", checkListpack));
