/**
 * An example of a strategy: keeps the keys whose names match a pattern on a node.
 *
 * ```text
 * NUMA STRATEGY LOAD 3 ./pin_by_pattern.ts pattern ^session: node 1
 * ```
 *
 * The pattern is a JavaScript regular expression. It is compiled when it changes, not per key. A
 * strategy that pins should run after those that might move the same keys elsewhere, and those
 * should be off, or each undoes the other's work.
 *
 * @module
 */

import type { StrategyContext } from "../context.ts";
import { OUT_OF_BANDWIDTH, OUT_OF_TIME } from "../context.ts";
import { PRIORITY_LOW, type Strategy, type StrategyFactory } from "../strategy.ts";

class PinByPattern implements Strategy {
  #text = "";
  #pattern = /$^/;
  readonly #decoder = new TextDecoder();

  /** A pattern that is none keeps the strategy out of its slot. */
  init(context: StrategyContext): void {
    this.#compile(context.text("pattern"));
  }

  execute(context: StrategyContext): void {
    const slot = context.nodes.findIndex((node) => node.id === context.number("node"));
    const text = context.text("pattern");
    if (slot < 0 || text === "") return;
    if (text !== this.#text) this.#compile(text);
    for (let key = context.nextKey(); key !== null; key = context.nextKey()) {
      if (key.node === slot) continue;
      const name = context.keyName(key);
      if (name === null || !this.#pattern.test(this.#decoder.decode(name))) continue;
      const outcome = context.migrate(key, slot);
      if (outcome === OUT_OF_TIME || outcome === OUT_OF_BANDWIDTH) break;
    }
    if (!context.isRoundOver) context.continueSoon();
  }

  #compile(text: string): void {
    this.#pattern = new RegExp(text);
    this.#text = text;
  }
}

/** Keeps keys with certain names on one node. */
const pinByPattern: StrategyFactory = {
  name: "pin-by-pattern",
  summary: "Keeps the keys whose names match a pattern on one node.",
  priority: PRIORITY_LOW,
  parameters: [
    { name: "pattern", summary: "regular expression; empty for no key", initial: "" },
    { name: "node", summary: "the kernel's number of the node", initial: 0, min: 0, max: 1023 },
  ],
  create: () => new PinByPattern(),
};

export default pinByPattern;
