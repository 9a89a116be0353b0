/**
 * Registers sets: an intset, or a table of members.
 *
 * @module
 */

import { TYPE_SET } from "../keyspace/entry.ts";
import { createMemberTableAdapter } from "./member_table_adapter.ts";
import { registerValueAdapter } from "../keyspace/value_types.ts";

registerValueAdapter(TYPE_SET, createMemberTableAdapter("set"));
