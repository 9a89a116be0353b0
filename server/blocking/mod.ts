/**
 * Blocking commands: what their handlers need.
 *
 * A handler tries its keys in order; when none can serve it, it returns `blockOnKeys(...)`. How a
 * waiting client is served later says what is registered for the command. Every command that may
 * make a key ready calls `signalKeyReady`.
 *
 * ```ts
 * function blpop(client: Client): void | Promise<void> {
 *   const timeoutMs = secondsTimeoutArgument(client, client.args.count - 1);
 *   for (let i = 1; i < client.args.count - 1; i++) if (pop(client, i)) return;
 *   return blockOnKeys(client, 1, client.args.count - 2, timeoutMs);
 * }
 * registerBlocking("blpop", { type: TYPE_LIST, wantsRemovals: false, serve: pop });
 * ```
 *
 * @module
 */

import type { Shard } from "../../engine/mod.ts";
import { hasWaiters } from "../../engine/mod.ts";
import type { Arguments } from "../arguments.ts";
import type { Client } from "../client.ts";

export { Blocking } from "./blocking.ts";
export { type BlockingCommand, registerBlocking } from "./blocking_command.ts";
export { millisecondsTimeoutArgument, secondsTimeoutArgument } from "./timeout.ts";

/**
 * Lets the client wait until one of its keys is ready; to be returned by a handler whose keys are
 * locked (`locks: "keys"`). Where commands may not wait (`client.denyBlocking`), it is answered nil
 * at once.
 *
 * @param firstKey Argument index of the first awaited key; `keyCount` of them follow one another.
 *   A key named twice is awaited once.
 * @param timeoutMs Milliseconds; 0 waits without end.
 * @param args The command as it is to be served, if not as it was sent: rewritten, with the keys at
 *   the same places and their hashes.
 * @returns Settles when the reply is written. A time that is over is answered by a null array.
 * @throws OutOfMemoryError Nothing was changed.
 */
export function blockOnKeys(
  client: Client,
  firstKey: number,
  keyCount: number,
  timeoutMs: number,
  args: Arguments = client.args,
): void | Promise<void> {
  if (client.denyBlocking) return client.reply.nilArray();
  return client.context.blocking.wait(client, { args, firstKey, keyCount, timeoutMs });
}

/**
 * Says that the key at argument `keyIndex`, in the client's database, may be ready; its shard is
 * locked. Costs one load while nobody waits in the shard.
 */
export function signalKeyReady(client: Client, shard: Shard, keyIndex: number): void {
  if (hasWaiters(shard)) signalKeyReadyIn(client, shard, client.database, keyIndex);
}

/** As `signalKeyReady`, in any database (as MOVE and COPY need it). */
export function signalKeyReadyIn(
  client: Client,
  shard: Shard,
  database: number,
  keyIndex: number,
): void {
  if (!hasWaiters(shard)) return;
  const { bytes, starts, lengths, hashes } = client.args;
  client.context.blocking.signal(
    shard,
    database,
    bytes,
    starts[keyIndex],
    lengths[keyIndex],
    hashes[keyIndex],
  );
}

/** Says that any key of a database may be ready (SWAPDB, FLUSHDB); all shards are locked. */
export function signalDatabaseReady(client: Client, database: number): void {
  client.context.blocking.signalDatabase(database);
}
