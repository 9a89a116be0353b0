/**
 * Registers hashes: a listpack of pairs, or a table of fields with values.
 *
 * @module
 */

import { TYPE_HASH } from "../keyspace/entry.ts";
import { createMemberTableAdapter } from "./member_table_adapter.ts";
import { registerValueAdapter } from "../keyspace/value_types.ts";

registerValueAdapter(TYPE_HASH, createMemberTableAdapter("hash"));
