/**
 * Types of configuration values that only the NUMA parameters have: switches with two pairs of
 * words, figures per node, names of placement policies, strategies in slots.
 *
 * @module
 */

import { placementPolicyName } from "../../strategies/placement/mod.ts";
import { PLACEMENT_POLICY_NAMES } from "../../strategies/placement/mod.ts";
import { InvalidValue, parseMemory, type ValueType } from "./values.ts";

/** A figure of each node that is named, by the kernel's number of the node. */
export type NodeFigure = ReadonlyMap<number, number>;

/** A strategy file in a slot, as the configuration names it. */
export interface ConfiguredStrategy {
  /** 2 to 15. */
  readonly slot: number;
  /** Path of the module. */
  readonly path: string;
  /** Names and values of its parameters. */
  readonly parameters: readonly (readonly [string, string])[];
}

const NODE_TEXT = /^(0|[1-9][0-9]{0,3})$/;
const NODE_ID_MAX = 1023;
const WEIGHT_TEXT = /^[1-9][0-9]{0,5}$/;
/** Most bytes that a parameter may say: up to here, 8 PiB, a number tells all apart. */
export const BYTES_MAX: bigint = BigInt(Number.MAX_SAFE_INTEGER);
const SLOT_TEXT = /^([2-9]|1[0-5])$/;

/** `yes`, `no`, `on`, `off`, `enabled` or `disabled`, in any case; written `yes` or `no`. */
export const SWITCH: ValueType<boolean> = {
  isList: false,
  parse: (words) => {
    if (words.length !== 1) throw new InvalidValue("wrong number of arguments");
    const word = words[0].toLowerCase();
    if (word === "yes" || word === "on" || word === "enabled") return true;
    if (word === "no" || word === "off" || word === "disabled") return false;
    throw new InvalidValue("argument must be 'yes' or 'no' ('enabled' or 'disabled')");
  },
  lines: (value) => [[value ? "yes" : "no"]],
};

/** A placement policy by one of its names; written with its own. */
export const PLACEMENT_POLICY: ValueType<string> = {
  isList: false,
  parse: (words) => {
    const name = words.length === 1 ? placementPolicyName(words[0]) : null;
    if (name === null) {
      throw new InvalidValue(
        `argument(s) must be one of the following: ${PLACEMENT_POLICY_NAMES.join(", ")}`,
      );
    }
    return name;
  },
  lines: (name) => [[name]],
};

/** `<node> <figure>`, once or more; nodes not named keep theirs; nothing at all ends all of them. */
function perNode(
  read: (word: string) => number | null,
  what: string,
): ValueType<NodeFigure> {
  return {
    isList: true,
    parse: (words, present) => {
      if (words.join("") === "") return new Map();
      if (words.length % 2 !== 0) {
        throw new InvalidValue(`argument(s) must be pairs of a node and its ${what}`);
      }
      const figures = new Map(present);
      for (let at = 0; at < words.length; at += 2) {
        const value = read(words[at + 1]);
        if (!NODE_TEXT.test(words[at]) || Number(words[at]) > NODE_ID_MAX || value === null) {
          throw new InvalidValue(`'${words[at]} ${words[at + 1]}' is no node and its ${what}`);
        }
        figures.set(Number(words[at]), value);
      }
      return new Map([...figures].sort(([a], [b]) => a - b));
    },
    lines: (figures) =>
      figures.size === 0
        ? [[""]]
        : [...figures].map(([node, figure]) => [String(node), String(figure)]),
  };
}

/** Weights of nodes, 1 to 999999. */
export const NODE_WEIGHTS: ValueType<NodeFigure> = perNode(
  (word) => WEIGHT_TEXT.test(word) ? Number(word) : null,
  "weight",
);

/** Bytes per node, units allowed; 0 for no cap. */
export const NODE_BYTES: ValueType<NodeFigure> = perNode((word) => {
  const bytes = word === "" ? null : parseMemory(word);
  return bytes === null || bytes > BYTES_MAX ? null : Number(bytes);
}, "memory");

/** `<slot> <path> [<parameter> <value> ...]`, once or more; a slot named again is replaced. */
export const STRATEGIES: ValueType<readonly ConfiguredStrategy[]> = {
  isList: true,
  parse: (words, present) => {
    if (words.length === 1 && words[0] === "") return [];
    const bySlot = new Map(present.map((strategy) => [strategy.slot, strategy]));
    for (let at = 0; at < words.length;) {
      const strategy = readStrategy(words, at);
      bySlot.set(strategy.slot, strategy);
      at += 2 + 2 * strategy.parameters.length;
    }
    return [...bySlot.values()].sort((a, b) => a.slot - b.slot);
  },
  lines: (strategies) =>
    strategies.length === 0 ? [[""]] : strategies.map(({ slot, path, parameters }) => [
      String(slot),
      path,
      ...parameters.flat(),
    ]),
};

function readStrategy(words: readonly string[], from: number): ConfiguredStrategy {
  const path = words[from + 1];
  if (!SLOT_TEXT.test(words[from]) || path === undefined || path === "") {
    throw new InvalidValue("argument(s) must be a slot from 2 to 15 and the path of a module");
  }
  const parameters: [string, string][] = [];
  let at = from + 2;
  // A number where a parameter's name should be is the slot of the next strategy.
  for (; at < words.length && !SLOT_TEXT.test(words[at]); at += 2) {
    if (at + 1 >= words.length) throw new InvalidValue(`parameter '${words[at]}' has no value`);
    parameters.push([words[at], words[at + 1]]);
  }
  const spaced = words.slice(from, at).find((word) => /\s/.test(word));
  if (spaced !== undefined) throw new InvalidValue(`'${spaced}' contains a space`);
  return { slot: Number(words[from]), path, parameters };
}
