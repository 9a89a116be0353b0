/**
 * What a parameter is: a name in the configuration, tied to a field and a type of value.
 *
 * @module
 */

import type { ConfigFields } from "./fields.ts";
import type { ValueType } from "./values.ts";

/**
 * When a parameter may change: `always`; only at the `start`; or `protected`, which only the person
 * who starts the server may set because it reaches outside of it.
 */
export type Changeable = "always" | "start" | "protected";

/** A parameter as its group's table states it. */
export interface ParameterData<Field extends keyof ConfigFields> {
  /** Name as in redis.conf, lower case. */
  readonly name: string;
  /** The field that holds its value. */
  readonly field: Field;
  /** How the value is read and written. */
  readonly type: ValueType<ConfigFields[Field]>;
  /** One line for `--help`. */
  readonly summary: string;
  /** When it may change. */
  readonly changeable: Changeable;
}

/** A parameter, whatever its type. */
export interface Parameter {
  /** Name as in redis.conf, lower case. */
  readonly name: string;
  /** One line for `--help`. */
  readonly summary: string;
  /** When it may change. */
  readonly changeable: Changeable;
  /** The parameter's first name: that of an alias is another than its own. */
  readonly primaryName: string;
  /** Whether a single text given for it is split at its spaces. */
  readonly isList: boolean;
  /**
   * Reads a value without changing anything.
   *
   * @returns A function that puts the value into `fields` and says whether that changed its text.
   * @throws InvalidValue when it is none.
   */
  prepare(fields: ConfigFields, words: readonly string[]): () => boolean;
  /** The value as `CONFIG GET` shows it. */
  text(fields: ConfigFields): string;
  /** The value as lines of words, one line per directive of a configuration file. */
  lines(fields: ConfigFields): string[][];
}

/** The parameter that `stated` describes. */
export function parameter<Field extends keyof ConfigFields>(
  stated: ParameterData<Field>,
): Parameter {
  const { name, field, type, summary, changeable } = stated;
  const lines = (fields: ConfigFields) => type.lines(fields[field]);
  const text = (fields: ConfigFields) => lines(fields).flat().join(" ");
  const prepare = (fields: ConfigFields, words: readonly string[]) => {
    const value = type.parse(words, fields[field]);
    return () => {
      const before = text(fields);
      fields[field] = value;
      return text(fields) !== before;
    };
  };
  const primaryName = name;
  return { name, primaryName, summary, changeable, isList: type.isList, prepare, text, lines };
}

/** A second name for `primary`. To CONFIG GET and SET it is a parameter of its own, as in Redis. */
export function alias(name: string, primary: Parameter): Parameter {
  return { ...primary, name };
}
