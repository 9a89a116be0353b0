/**
 * The commands that this server has, as data, by documentation group. Nothing here refers to code
 * that executes them: `server/commands/mod.ts` binds each to its handler by its full name.
 *
 * @module
 */

import type { CommandGroup, CommandSpec } from "../command_spec.ts";
import { BITMAP_GROUP } from "./bitmap.ts";
import { CONNECTION_GROUP } from "./connection.ts";
import { GENERIC_GROUP } from "./generic.ts";
import { NUMA_GROUP } from "./numa.ts";
import { GEO_GROUP } from "./geo.ts";
import { HASH_GROUP } from "./hash.ts";
import { HYPERLOGLOG_GROUP } from "./hyperloglog.ts";
import { LIST_GROUP } from "./list.ts";
import { SERVER_GROUP } from "./server.ts";
import { SET_GROUP } from "./set.ts";
import { SORTED_SET_GROUP } from "./sorted_set.ts";
import { STREAM_GROUP } from "./stream.ts";
import { STRING_GROUP } from "./string.ts";

/** Every command, by group. */
export const COMMAND_GROUPS: readonly CommandGroup[] = [
  BITMAP_GROUP,
  CONNECTION_GROUP,
  GENERIC_GROUP,
  LIST_GROUP,
  GEO_GROUP,
  HASH_GROUP,
  NUMA_GROUP,
  HYPERLOGLOG_GROUP,
  SERVER_GROUP,
  SET_GROUP,
  SORTED_SET_GROUP,
  STREAM_GROUP,
  STRING_GROUP,
];

/** Number of commands, subcommands included: one more than the highest `Command.index`. */
export const COMMAND_COUNT: number = countCommands(COMMAND_GROUPS);

/** Commands and subcommands in `groups`. */
export function countCommands(groups: readonly CommandGroup[]): number {
  let count = 0;
  for (const group of groups) count += countSpecs(group.commands);
  return count;
}

function countSpecs(specs: readonly CommandSpec[]): number {
  let count = specs.length;
  for (const spec of specs) count += countSpecs(spec.subcommands ?? []);
  return count;
}
