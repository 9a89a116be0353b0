/**
 * One step of a differential sequence: a command, and how its two replies are compared.
 *
 * @module
 */

import { type Argument, concatenate, printable, type RespClient } from "../support/resp_client.ts";
import { elementsOf, textOf } from "../support/resp_reader.ts";

/**
 * How two replies must agree.
 * `exact`: byte for byte. `unordered`: the same elements in any order. `pairs`: the same pairs of
 * elements in any order, whether flat, a map or arrays of two. `near`: times that differ by
 * a few seconds (milliseconds where the command's name starts with P). `shape`: the same RESP type,
 * and the same words where that is an error. `scan`: run SCAN (or SSCAN, HSCAN, ZSCAN) to its end,
 * compare the sets of keys. `times`: byte for byte, but integers that are times of day, and all
 * integers of XPENDING and XINFO CONSUMERS, may differ by a few seconds.
 */
export type Comparison = "exact" | "unordered" | "pairs" | "near" | "shape" | "scan" | "times";

/** One command of a sequence. */
export interface Step {
  readonly parts: readonly Argument[];
  readonly comparison: Comparison;
  /** Milliseconds to wait behind the reply, so that both servers' clocks have moved on. */
  readonly waitMs: number;
}

/** How far the times in the replies of a `near` step may lie apart. */
const NEAR_TOLERANCE_SECONDS = 5;
const SCAN_CALL_COUNT_MAX = 10_000;

/** Whether both replies to `step` agree. */
export function repliesAgree(step: Step, ours: Uint8Array, theirs: Uint8Array): boolean {
  switch (step.comparison) {
    case "exact":
    case "scan":
      return sameBytes(ours, theirs);
    case "shape":
      return ours[0] === theirs[0] && (!isError(ours) || sameBytes(ours, theirs));
    case "unordered":
      return sameBytes(sortedElements(ours, 1), sortedElements(theirs, 1));
    case "pairs":
      return sameBytes(sortedElements(ours, 2), sortedElements(theirs, 2));
    case "near":
      return sameBytes(ours, theirs) || nearTimes(step, ours, theirs);
    case "times":
      return sameBytes(ours, theirs) || sameButTimes(step, ours, theirs);
  }
}

/** The step as one would type it into a connection. */
export function describeStep(connection: number, step: Step): string {
  const words = step.parts.map((part) => {
    const text = typeof part === "object" ? printable(part, 80) : printable(utf8(part), 80);
    return /^[\w:.+*?-]+$/.test(text) ? text : `"${text}"`;
  });
  const wait = step.waitMs > 0 ? `  (then wait ${step.waitMs} ms)` : "";
  return `[connection ${connection}] ${words.join(" ")}${wait}`;
}

function utf8(part: string | number): Uint8Array {
  return new TextEncoder().encode(String(part));
}

function isError(reply: Uint8Array): boolean {
  return reply[0] === 45;
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}

/** The reply with its elements, or groups of `groupCount` flat ones, in ascending order. */
function sortedElements(reply: Uint8Array, groupCount: number): Uint8Array {
  if (!"*~>%".includes(String.fromCharCode(reply[0]))) return reply;
  const elements = elementsOf(reply);
  const head = reply.subarray(0, reply.indexOf(10) + 1);
  const isNested = elements.length > 0 && String.fromCharCode(elements[0][0]) === "*";
  const groups: Uint8Array[] = [];
  const step = isNested ? 1 : groupCount;
  for (let i = 0; i < elements.length; i += step) {
    groups.push(concatenate(elements.slice(i, i + step)));
  }
  return concatenate([head, ...groups.sort(byBytes)]);
}

function byBytes(left: Uint8Array, right: Uint8Array): number {
  const shared = Math.min(left.length, right.length);
  for (let i = 0; i < shared; i++) if (left[i] !== right[i]) return left[i] - right[i];
  return left.length - right.length;
}

function nearTimes(step: Step, ours: Uint8Array, theirs: Uint8Array): boolean {
  if (ours[0] !== 58 || theirs[0] !== 58) return false;
  const [left, right] = [Number(textOf(ours)), Number(textOf(theirs))];
  const inMilliseconds = /^p/i.test(String(step.parts[0]));
  const tolerance = NEAR_TOLERANCE_SECONDS * (inMilliseconds ? 1000 : 1);
  return left >= 0 && right >= 0 && Math.abs(left - right) <= tolerance;
}

/** Times of day, in milliseconds, are above this. */
const TIME_OF_DAY_MS_MIN = 1e12;

function sameButTimes(step: Step, ours: Uint8Array, theirs: Uint8Array): boolean {
  const decoder = new TextDecoder("latin1");
  const [left, right] = [ours, theirs].map((reply) => decoder.decode(reply).split("\r\n"));
  if (left.length !== right.length) return false;
  const hasIdleTimes = /^(xpending|xinfo,consumers)/i.test(step.parts.slice(0, 2).join(","));
  return left.every((line, index) => {
    if (line === right[index]) return true;
    if (line[0] !== ":" || right[index][0] !== ":") return false;
    const [first, second] = [Number(line.slice(1)), Number(right[index].slice(1))];
    if (!hasIdleTimes && Math.min(first, second) < TIME_OF_DAY_MS_MIN) return false;
    return Math.abs(first - second) <= NEAR_TOLERANCE_SECONDS * 1000;
  });
}

/**
 * Runs SCAN (or SSCAN, HSCAN, ZSCAN) until its cursor is 0: a sorted list of distinct keys,
 * members, or fields and values, or the first error.
 */
export async function scanToEnd(
  client: RespClient,
  parts: readonly Argument[],
): Promise<Uint8Array> {
  const keys = new Set<string>();
  const cursorIndex = /^[hsz]scan$/i.test(String(parts[0])) ? 2 : 1;
  let cursor: string | Argument = parts[cursorIndex] ?? "0";
  for (let call = 0; call < SCAN_CALL_COUNT_MAX; call++) {
    const [before, behind] = [parts.slice(0, cursorIndex), parts.slice(cursorIndex + 1)];
    const reply = await client.command(...before, cursor, ...behind);
    if (isError(reply)) return reply;
    const [next, page] = elementsOf(reply);
    for (const key of elementsOf(page)) keys.add(textOf(key));
    cursor = textOf(next);
    if (cursor === "0") return utf8([...keys].sort().join("\n"));
  }
  throw new Error("SCAN did not come to an end");
}
