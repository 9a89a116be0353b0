/**
 * The parameters of the strategy in a slot: what it declares, and what was set.
 *
 * @module
 */

import type { ParameterDeclaration } from "./strategy.ts";

/** Longest text that a parameter takes, in characters. */
const TEXT_LENGTH_MAX = 1024;
const FLAG_WORDS: ReadonlyMap<string, number> = new Map([["yes", 1], ["no", 0]]);

/** Something that was asked of strategies and cannot be; the message says what and why. */
export class StrategyError extends Error {
  /** For stack traces. */
  override name = "StrategyError";
}

/** Values by name. */
export class ParameterValues {
  readonly #declarations: ReadonlyMap<string, ParameterDeclaration>;
  readonly #numbers = new Map<string, number>();
  readonly #texts = new Map<string, string>();

  /** All at their initial values. */
  constructor(declarations: readonly ParameterDeclaration[] = []) {
    this.#declarations = new Map(declarations.map((declared) => [declared.name, declared]));
    for (const { name, initial } of declarations) {
      if (typeof initial === "string") this.#texts.set(name, initial);
      else this.#numbers.set(name, Number(initial));
    }
  }

  /** A number, or a flag as 0 or 1. Throws `StrategyError` when none is declared. */
  number(name: string): number {
    const value = this.#numbers.get(name);
    if (value === undefined) throw new StrategyError(`Cannot read '${name}': no such number`);
    return value;
  }

  /** A text. Throws `StrategyError` when none is declared. */
  text(name: string): string {
    const value = this.#texts.get(name);
    if (value === undefined) throw new StrategyError(`Cannot read '${name}': no such text`);
    return value;
  }

  /**
   * Sets a parameter from its text, as NUMA STRATEGY SET and the configuration file give it.
   *
   * @throws StrategyError when it is not declared or the text is no value of it; nothing changed.
   */
  set(name: string, text: string): void {
    const declared = this.#declarations.get(name.toLowerCase());
    if (declared === undefined) throw new StrategyError(`Cannot set '${name}': no such parameter`);
    if (typeof declared.initial === "string") this.#setText(declared, text);
    else this.#numbers.set(declared.name, parse(declared, text));
  }

  #setText({ name }: ParameterDeclaration, text: string): void {
    if (text.length > TEXT_LENGTH_MAX) {
      throw new StrategyError(`Cannot set '${name}': longer than ${TEXT_LENGTH_MAX} characters`);
    }
    this.#texts.set(name, text);
  }

  /** A copy with the same values, to try changes on. */
  clone(): ParameterValues {
    const copy = new ParameterValues([...this.#declarations.values()]);
    for (const [name, value] of this.#numbers) copy.#numbers.set(name, value);
    for (const [name, value] of this.#texts) copy.#texts.set(name, value);
    return copy;
  }

  /** Names and values as text, in the order of declaration. */
  entries(): [name: string, value: string][] {
    return [...this.#declarations.values()].map(({ name, initial }) => {
      if (typeof initial === "string") return [name, this.text(name)];
      const value = this.number(name);
      return [name, typeof initial === "boolean" ? (value === 0 ? "no" : "yes") : `${value}`];
    });
  }

  /** What is declared, in order. */
  get declarations(): ParameterDeclaration[] {
    return [...this.#declarations.values()];
  }
}

function parse({ name, initial, min, max }: ParameterDeclaration, text: string): number {
  if (typeof initial === "boolean") {
    const flag = FLAG_WORDS.get(text.toLowerCase());
    if (flag === undefined) {
      throw new StrategyError(`Cannot set '${name}' to '${text}': say yes or no`);
    }
    return flag;
  }
  const value = text.trim() === "" ? NaN : Number(text);
  if (!Number.isFinite(value)) {
    throw new StrategyError(`Cannot set '${name}' to '${text}': not a number`);
  }
  if ((min !== undefined && value < min) || (max !== undefined && value > max)) {
    const range = `${min ?? "any"} to ${max ?? "any"}`;
    throw new StrategyError(`Cannot set '${name}' to '${text}': the range is ${range}`);
  }
  return value;
}
