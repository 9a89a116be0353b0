/**
 * Every check that runs in the virtual machine, in the order in which they run. To add some: a
 * module beside this one that exports a list of them, and its line here.
 *
 * @module
 */

import type { GuestCheck } from "./check.ts";
import { childServerChecks } from "./child_server_checks.ts";
import { heapChecks } from "./heap_checks.ts";
import { inheritanceChecks } from "./inheritance_checks.ts";
import { migrationChecks } from "./migration_checks.ts";
import { placementChecks } from "./placement_checks.ts";
import { serverChecks } from "./server_checks.ts";
import { strategyChecks } from "./strategy_checks.ts";
import { topologyChecks } from "./topology_checks.ts";

/** All of them, about one subject after the other. */
export const allChecks: readonly GuestCheck[] = [
  ...topologyChecks,
  ...placementChecks,
  ...heapChecks,
  ...serverChecks,
  ...migrationChecks,
  ...strategyChecks,
  ...childServerChecks,
  ...inheritanceChecks,
];
