/**
 * The registry: binds every command of the data to the code that executes it.
 *
 * Each file of commands exports its handlers by full name; a command without a handler, a handler
 * without a command, or two handlers of one name stop the server before it starts.
 *
 * @module
 */

import { assert } from "../../engine/assert.ts";
import { handlers as bitfieldHandlers } from "./bitfield.ts";
import { handlers as bitmapHandlers } from "./bitmaps.ts";
import { handlers as clientHandlers } from "./client.ts";
import { handlers as commandHandlers } from "./command.ts";
import { handlers as configHandlers } from "./config.ts";
import { handlers as connectionHandlers } from "./connection.ts";
import { COMMAND_COUNT, COMMAND_GROUPS } from "./data/mod.ts";
import { handlers as debugHandlers } from "./debug.ts";
import { handlers as dumpHandlers } from "./dump.ts";
import { handlers as expiryHandlers } from "./expiry.ts";
import { handlers as genericHandlers } from "./generic.ts";
import { handlers as hashWalkHandlers } from "./hash_walks.ts";
import { handlers as geoHandlers } from "./geo.ts";
import { handlers as geoSearchHandlers } from "./geo_search.ts";
import { handlers as hashHandlers } from "./hashes.ts";
import { handlers as hyperloglogHandlers } from "./hyperloglog.ts";
import { handlers as infoHandlers } from "./info.ts";
import { handlers as keyspaceHandlers } from "./keyspace.ts";
import { handlers as lcsHandlers } from "./lcs.ts";
import { handlers as listMoveHandlers } from "./list_moves.ts";
import { handlers as listHandlers } from "./lists.ts";
import { handlers as lolwutHandlers } from "./lolwut.ts";
import { handlers as memoryHandlers } from "./memory.ts";
import { handlers as numaHandlers } from "./numa.ts";
import { handlers as numaHeatHandlers } from "./numa_heat.ts";
import { handlers as numaMigrateHandlers } from "./numa_migrate.ts";
import { handlers as numaStrategyHandlers } from "./numa_strategy.ts";
import { handlers as numaconfigHandlers } from "./numaconfig.ts";
import { handlers as objectHandlers } from "./object.ts";
import { handlers as pauseHandlers } from "./pause.ts";
import { handlers as serverHandlers } from "./server.ts";
import { handlers as setAlgebraHandlers } from "./set_algebra.ts";
import { handlers as setHandlers } from "./sets.ts";
import { handlers as shutdownHandlers } from "./shutdown.ts";
import { handlers as streamClaimHandlers } from "./stream_claims.ts";
import { handlers as streamGroupHandlers } from "./stream_groups.ts";
import { handlers as streamInfoHandlers } from "./stream_info.ts";
import { handlers as streamReadHandlers } from "./stream_reads.ts";
import { handlers as streamHandlers } from "./streams.ts";
import { handlers as sortHandlers } from "./sort.ts";
import { handlers as stringPartHandlers } from "./string_parts.ts";
import { handlers as stringHandlers } from "./strings.ts";
import { CommandTable, type Handlers } from "./table.ts";
import { handlers as zsetAlgebraHandlers } from "./zset_algebra.ts";
import { handlers as zsetPopHandlers } from "./zset_pops.ts";
import { handlers as zsetRandomHandlers } from "./zset_random.ts";
import { handlers as zsetRangeHandlers } from "./zset_ranges.ts";
import { handlers as zsetHandlers } from "./zsets.ts";

export { registerClientControl } from "./client.ts";
export { mustAuthenticate } from "./connection.ts";
export { COMMAND_COUNT } from "./data/mod.ts";
export { lookupError, wrongArityError } from "./lookup_errors.ts";
export { Command, CommandTable, type Handler, KEYS_INVALID, type LockScope } from "./table.ts";

const HANDLER_GROUPS: readonly Handlers[] = [
  bitfieldHandlers,
  bitmapHandlers,
  clientHandlers,
  commandHandlers,
  configHandlers,
  connectionHandlers,
  debugHandlers,
  dumpHandlers,
  expiryHandlers,
  genericHandlers,
  geoHandlers,
  geoSearchHandlers,
  hashHandlers,
  hashWalkHandlers,
  hyperloglogHandlers,
  infoHandlers,
  keyspaceHandlers,
  lcsHandlers,
  listHandlers,
  listMoveHandlers,
  lolwutHandlers,
  memoryHandlers,
  numaHandlers,
  numaHeatHandlers,
  numaMigrateHandlers,
  numaStrategyHandlers,
  numaconfigHandlers,
  objectHandlers,
  pauseHandlers,
  serverHandlers,
  setAlgebraHandlers,
  setHandlers,
  shutdownHandlers,
  sortHandlers,
  streamClaimHandlers,
  streamGroupHandlers,
  streamHandlers,
  streamInfoHandlers,
  streamReadHandlers,
  stringHandlers,
  stringPartHandlers,
  zsetAlgebraHandlers,
  zsetHandlers,
  zsetPopHandlers,
  zsetRandomHandlers,
  zsetRangeHandlers,
];

/** A command table with every command of this server. */
export function createCommandTable(): CommandTable {
  const handlers: Handlers = {};
  for (const group of HANDLER_GROUPS) {
    for (const [name, handler] of Object.entries(group)) {
      assert(!Object.hasOwn(handlers, name), "a command has one handler");
      handlers[name] = handler;
    }
  }
  const table = new CommandTable(COMMAND_GROUPS, handlers);
  assert(table.all.length === COMMAND_COUNT, "every command has its number");
  return table;
}
