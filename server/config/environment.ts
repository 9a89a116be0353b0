/**
 * Environment variables: weaker than the configuration file, stronger than the defaults.
 *
 * @module
 */

import type { Config } from "./config.ts";
import { ConfigError } from "./config_file.ts";
import { InvalidValue } from "./values.ts";

/** The variables and the parameters that they set. */
export const ENVIRONMENT_PARAMETERS: ReadonlyMap<string, string> = new Map([
  ["NUMA_ENABLED", "numa-enabled"],
  ["NUMA_DEFAULT_NODE", "numa-default-node"],
  ["NUMA_DEBUG", "numa-debug"],
]);
/** Ways to write a switch that people use for variables, beside those of the parameters. */
const SWITCH_WORDS: ReadonlyMap<string, string> = new Map([
  ["1", "yes"],
  ["0", "no"],
  ["true", "yes"],
  ["false", "no"],
]);

/** Reads one variable; undefined when it is not set. */
export type ReadVariable = (name: string) => string | undefined;

/** A variable of the process; undefined when it is not set, or may not be read. */
export function denoVariable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

/**
 * Applies the variables that are set; empty ones count as not set.
 *
 * @throws ConfigError that names variable, value and reason.
 */
export function loadEnvironment(config: Config, read: ReadVariable): void {
  for (const [variable, parameter] of ENVIRONMENT_PARAMETERS) {
    const value = read(variable);
    if (value === undefined || value === "") continue;
    const isSwitch = parameter !== "numa-default-node";
    const word = isSwitch ? SWITCH_WORDS.get(value.toLowerCase()) ?? value : value;
    try {
      config.assign(parameter, [word]);
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error;
      throw new ConfigError(
        `Fatal error, the environment variable ${variable} cannot be '${value}': ${error.message}`,
      );
    }
  }
}
