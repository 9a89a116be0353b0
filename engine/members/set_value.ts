/**
 * Registers sets: an intset, or a table of members.
 *
 * @module
 */

import { assert } from "../assert.ts";
import * as entry from "../keyspace/entry.ts";
import { isIntset } from "../formats/intset.ts";
import { createMemberTableAdapter } from "./member_table_adapter.ts";
import { registerValueAdapter } from "../keyspace/value_types.ts";
import type { ShardWindow } from "../heap/shard_window.ts";
import type { Ref } from "../types.ts";

function checkIntset(window: ShardWindow, ref: Ref): void {
  const start = entry.entryValueStart(window, ref);
  const lengthBytes = entry.entryValueLength(window, ref);
  assert(isIntset(window.u8, start, lengthBytes), "a small set is an intset");
}

registerValueAdapter(entry.TYPE_SET, createMemberTableAdapter("set", checkIntset));
