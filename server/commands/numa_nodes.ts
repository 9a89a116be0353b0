/**
 * What the commands on NUMA have in common: nodes by their kernel's number.
 *
 * @module
 */

import type { NodeSlot } from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { numberArgument } from "./keys.ts";

/** The slot of the node whose number is argument `index`; throws when keys cannot lie there. */
export function nodeArgument(client: Client, index: number): NodeSlot {
  const id = numberArgument(client, index);
  const { nodeIds } = client.context.keyspace.heap.layout;
  const slot = nodeIds.indexOf(id);
  if (slot < 0) {
    throw new CommandError(`ERR no such node '${id}': keys may lie on ${nodeIds.join(", ")}`);
  }
  return slot as NodeSlot;
}

/** The kernel's number of a node slot. */
export function nodeIdOf(client: Client, slot: number): number {
  return client.context.keyspace.heap.layout.nodeIds[slot];
}

/** A monotonic clock for steps of work. */
export function clockOf(client: Client): () => number {
  const { clock } = client.context;
  return () => clock.monotonicMs();
}
