/**
 * INFO keyspace: the databases that hold keys.
 *
 * @module
 */

import type { WorkerContext } from "../context.ts";
import type { InfoField } from "./section.ts";

/** A line for every database that is not empty. O(databases x shards). */
export function keyspaceSection(context: WorkerContext): InfoField[] {
  const { keyspace } = context;
  const fields: InfoField[] = [];
  for (let database = 0; database < keyspace.databases; database++) {
    const keyCount = keyspace.size(database);
    const expiringCount = keyspace.expiresCount(database);
    if (keyCount === 0 && expiringCount === 0) continue;
    const averageTtlMs = keyspace.averageTtlMs(database);
    fields.push([
      `db${database}`,
      `keys=${keyCount},expires=${expiringCount},avg_ttl=${averageTtlMs}`,
    ]);
  }
  return fields;
}
