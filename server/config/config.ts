/**
 * The configuration of a running server: the fields, and changing them by name.
 *
 * Every thread has its own `Config`. The supervisor makes the first one from the command line and
 * posts its snapshot to the workers; `CONFIG SET` reaches all of them through the control plane.
 *
 * @module
 */

import { CommandError } from "../command_error.ts";
import { ConfigFields } from "./fields.ts";
import type { Parameter } from "./parameter.ts";
import { findParameter, PARAMETERS } from "./parameters.ts";
import { InvalidValue } from "./values.ts";

/** A configuration as plain data, to be posted to another thread. */
export interface ConfigSnapshot {
  /** Absolute path of the configuration file, as byte text; empty when there is none. */
  readonly configFile: string;
  /** Values as `CONFIG GET` shows them, by name. */
  readonly values: Readonly<Record<string, string>>;
}

/** Called with the first name of a parameter whose value has just changed. Must not throw. */
export type ConfigListener = (name: string) => void;

/** One thread's configuration. */
export class Config extends ConfigFields {
  /** Absolute path of the configuration file, as byte text; empty when there is none. */
  configFile = "";

  readonly #listeners: ConfigListener[] = [];

  /** A new configuration equal to the one that `snapshot` was taken of. */
  static restore(snapshot: ConfigSnapshot): Config {
    const config = new Config();
    config.configFile = snapshot.configFile;
    for (const [name, text] of Object.entries(snapshot.values)) config.assign(name, [text]);
    return config;
  }

  /** The configuration as plain data. */
  snapshot(): ConfigSnapshot {
    const values: Record<string, string> = {};
    for (const parameter of PARAMETERS) values[parameter.name] = parameter.text(this);
    return { configFile: this.configFile, values };
  }

  /** The value of the parameter `name` (any case) as `CONFIG GET` shows it; `null` without one. */
  get(name: string): string | null {
    return findParameter(name)?.text(this) ?? null;
  }

  /**
   * Changes parameters as `CONFIG SET` does, all or none, and tells the listeners.
   *
   * @param pairs Names (any case) and values.
   * @throws CommandError with Redis's words; nothing has changed then.
   */
  set(pairs: readonly (readonly [string, string])[]): void {
    const changed: string[] = [];
    for (const { name, apply } of this.#prepare(pairs)) {
      if (apply() && !changed.includes(name)) changed.push(name);
    }
    for (const name of changed) {
      for (const listener of this.#listeners) listener(name);
    }
  }

  /** Throws what `set` would throw, and changes nothing. */
  check(pairs: readonly (readonly [string, string])[]): void {
    this.#prepare(pairs);
  }

  /**
   * Gives a parameter the value that `given` spells, as a line of a configuration file does. Every
   * parameter may be set, whenever it is changeable. Listeners are not told.
   *
   * @returns Whether there is a parameter called `name` (any case).
   * @throws InvalidValue when that is none of its values; nothing has changed then.
   */
  assign(name: string, given: readonly string[]): boolean {
    const parameter = findParameter(name);
    if (parameter === undefined) return false;
    const isSplit = parameter.isList && given.length === 1 && given[0] !== "";
    parameter.prepare(this, isSplit ? splitAtSpaces(given[0]) : given)();
    return true;
  }

  /** Has `listener` told of every change that `set` makes from now on. */
  onChange(listener: ConfigListener): void {
    this.#listeners.push(listener);
  }

  #prepare(
    pairs: readonly (readonly [string, string])[],
  ): { name: string; apply: () => boolean }[] {
    const parameters = changeableParameters(pairs);
    return parameters.map((parameter, index) => {
      const text = pairs[index][1];
      const given = parameter.isList ? splitAtSpaces(text) : [text];
      try {
        return { name: parameter.primaryName, apply: parameter.prepare(this, given) };
      } catch (error) {
        if (error instanceof InvalidValue) throw failure(parameter.name, error.message);
        throw error;
      }
    });
  }
}

/**
 * The parameters that `pairs` name. The first complaint wins: unknown, not changeable, or named
 * before.
 */
function changeableParameters(pairs: readonly (readonly [string, string])[]): Parameter[] {
  const parameters: Parameter[] = [];
  for (const [name] of pairs) {
    const parameter = findParameter(name);
    if (parameter === undefined) {
      // A NUL ends the name: Redis repeats it as C text.
      const quoted = name.split("\0", 1)[0];
      throw new CommandError(
        `ERR Unknown option or number of arguments for CONFIG SET - '${quoted}'`,
      );
    }
    if (parameter.changeable === "start") throw failure(name, "can't set immutable config");
    if (parameter.changeable === "protected") throw failure(name, "can't set protected config");
    if (parameters.includes(parameter)) throw failure(name, "duplicate parameter");
    parameters.push(parameter);
  }
  return parameters;
}

function failure(name: string, reason: string): CommandError {
  return new CommandError(
    `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`,
  );
}

/** Redis splits a text given for a list at every single space, so that two make an empty word. */
export function splitAtSpaces(text: string): string[] {
  return text === "" ? [] : text.split(" ");
}
