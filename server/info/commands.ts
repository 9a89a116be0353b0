/**
 * INFO commandstats and errorstats: what commands cost and which errors clients were told.
 *
 * @module
 */

import type { WorkerContext } from "../context.ts";
import {
  COMMAND_CALLS,
  COMMAND_FAILED,
  COMMAND_MICROSECONDS,
  COMMAND_REJECTED,
} from "../shared_state.ts";
import { type InfoField, ratio } from "./section.ts";

/** A line for every command and subcommand that was called or refused. O(commands x workers). */
export function commandStatisticsSection(context: WorkerContext): InfoField[] {
  const { commands, shared } = context;
  const fields: InfoField[] = [];
  for (const command of commands.all) {
    const calls = shared.commandSum(command.index, COMMAND_CALLS);
    const rejected = shared.commandSum(command.index, COMMAND_REJECTED);
    const failed = shared.commandSum(command.index, COMMAND_FAILED);
    if (calls === 0 && rejected === 0 && failed === 0) continue;
    const microseconds = Math.round(shared.commandSum(command.index, COMMAND_MICROSECONDS));
    fields.push([
      `cmdstat_${command.fullName}`,
      `calls=${calls},usec=${microseconds},usec_per_call=${ratio(microseconds, calls)},` +
      `rejected_calls=${rejected},failed_calls=${failed}`,
    ]);
  }
  return fields;
}

/** A line for every error code that was sent. */
export function errorStatisticsSection(context: WorkerContext): InfoField[] {
  return context.shared.errorCounts().map(({ prefix, count }) => [
    `errorstat_${prefix}`,
    `count=${count}`,
  ]);
}
