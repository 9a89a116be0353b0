/**
 * Loads a user's strategy: a TypeScript or JavaScript module whose default export is a
 * `StrategyFactory`.
 *
 * The module is code in the server's process, with all that the server may do: whoever may write
 * into the directory rules the server. That is why only modules of one directory are loaded, with
 * symbolic links followed first. Loading needs the permission to read that directory and no other.
 * Each load reads the file anew; what the module itself imports stays as it was first read.
 *
 * @module
 */

import { reasonOf } from "./slot.ts";
import { StrategyError } from "./parameters.ts";
import {
  type ParameterDeclaration,
  PRIORITY_HIGH,
  PRIORITY_LOW,
  type StrategyFactory,
} from "./strategy.ts";
import { INTERVAL_MS_MAX, INTERVAL_MS_MIN } from "./slot.ts";

const NAME = /^[\w.-]{1,64}$/;
const PARAMETER_NAME = /^[a-z][a-z0-9-]{0,63}$/;
const EXTENSION = /\.(ts|mts|js|mjs)$/;
const PARAMETERS_MAX = 64;
const SUMMARY_CHARACTERS_MAX = 256;
/** Time for a module to be read and its top level to be run: later loads wait for it. */
export const LOAD_TIMEOUT_MS = 5000;

const QUERY_NAME = "load";
/** Ends the address of a loaded module in a stack: its query, line and column. */
const LOADED_PLACE = new RegExp(`\\?${QUERY_NAME}=\\d+:\\d+:\\d+`);

let loads = 0;

/** A strategy's module, as it was found. */
export interface LoadedStrategy {
  /** Absolute path, links followed. */
  readonly path: string;
  /** Ends its address in stacks; no other load has the same. */
  readonly query: string;
  /** Its default export, checked. */
  readonly factory: StrategyFactory;
}

/**
 * Loads the module at `path`.
 *
 * @param path Absolute, or relative to `directory`.
 * @param directory The only directory, with those below it, that modules are loaded from.
 * @param timeoutMs Time for the module; what it does later has no effect.
 * @throws StrategyError with the reason; nothing was changed but that the module's code has run.
 */
export async function loadStrategy(
  path: string,
  directory: string,
  timeoutMs: number = LOAD_TIMEOUT_MS,
): Promise<LoadedStrategy> {
  const found = confine(path, directory);
  const query = `?${QUERY_NAME}=${++loads}`;
  let factory: unknown;
  try {
    const address = `${new URL(`file://${encodePath(found)}`)}${query}`;
    const module = await within(timeoutMs, import(address));
    factory = copyFactory(module.default);
  } catch (error) {
    throw new StrategyError(`Cannot load ${path}: ${reasonOf(error)}`);
  }
  const fault = faultOf(factory);
  if (fault !== null) throw new StrategyError(`Cannot use ${path}: ${fault}`);
  return { path: found, query, factory: factory as StrategyFactory };
}

/** Whether an error's stack passes through a module that was loaded here. */
export function passesLoadedModule(stack: string): boolean {
  return LOADED_PLACE.test(stack);
}

/** What the module comes to; throws when that takes too long, as a top-level await may. */
async function within<Module>(timeoutMs: number, module: Promise<Module>): Promise<Module> {
  const { promise, reject } = Promise.withResolvers<never>();
  const reason = `it was not done after ${timeoutMs} ms; does its top level wait for something?`;
  const timer = setTimeout(() => reject(new Error(reason)), timeoutMs);
  try {
    return await Promise.race([module, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The exported factory in an object of ours, which is what is checked: getters of a user's might
 * say something else later, or throw where nobody expects it.
 */
function copyFactory(exported: unknown): unknown {
  if (typeof exported !== "object" || exported === null) return exported;
  const original = exported as StrategyFactory;
  const { name, summary, priority, intervalMs, parameters, create } = original;
  return {
    name,
    summary,
    priority,
    intervalMs,
    parameters: Array.isArray(parameters)
      ? parameters.slice(0, PARAMETERS_MAX + 1).map(copyParameter)
      : parameters,
    create: typeof create === "function" ? () => create.call(original) : create,
  };
}

function copyParameter(declared: unknown): unknown {
  if (typeof declared !== "object" || declared === null) return declared;
  const { name, summary, initial, min, max } = declared as ParameterDeclaration;
  return { name, summary, initial, min, max };
}

/** The module's real path, which must be below the directory's. */
function confine(path: string, directory: string): string {
  if (!EXTENSION.test(path)) {
    throw new StrategyError(`Cannot load ${path}: its name must end in .ts, .mts, .js or .mjs`);
  }
  let root: string;
  let found: string;
  try {
    root = Deno.realPathSync(directory);
    found = Deno.realPathSync(path.startsWith("/") ? path : `${root}/${path}`);
    if (!Deno.statSync(found).isFile) throw new Error("it is no file");
  } catch (error) {
    throw new StrategyError(`Cannot load ${path}: ${reasonOf(error)}`);
  }
  if (!found.startsWith(root === "/" ? root : `${root}/`)) {
    throw new StrategyError(`Cannot load ${path}: it is outside of numa-strategy-dir`);
  }
  return found;
}

function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** What is wrong with an exported value as a factory; null when nothing is. */
function faultOf(exported: unknown): string | null {
  if (typeof exported !== "object" || exported === null) {
    return "its default export is no strategy factory";
  }
  const { name, summary, priority, intervalMs, parameters, create } = exported as Record<
    keyof StrategyFactory,
    unknown
  >;
  if (typeof name !== "string" || !NAME.test(name)) {
    return "the factory's name must be 1 to 64 of letters, digits, '.', '_' and '-'";
  }
  if (typeof summary !== "string" || summary.length > SUMMARY_CHARACTERS_MAX) {
    return `the factory's summary must be a text of at most ${SUMMARY_CHARACTERS_MAX} characters`;
  }
  if (typeof create !== "function") return "the factory has no create()";
  if (priority !== undefined && !isWithin(priority, PRIORITY_HIGH, PRIORITY_LOW)) {
    return `the factory's priority must be ${PRIORITY_HIGH} to ${PRIORITY_LOW}`;
  }
  if (intervalMs !== undefined && !isWithin(intervalMs, INTERVAL_MS_MIN, INTERVAL_MS_MAX)) {
    return `the factory's intervalMs must be ${INTERVAL_MS_MIN} to ${INTERVAL_MS_MAX}`;
  }
  if (parameters === undefined) return null;
  if (!Array.isArray(parameters) || parameters.length > PARAMETERS_MAX) {
    return `the factory's parameters must be a list of at most ${PARAMETERS_MAX}`;
  }
  const names = new Set<unknown>();
  for (const declared of parameters) {
    const fault = parameterFaultOf(declared);
    if (fault !== null) return fault;
    if (names.has(declared.name)) return `the parameter '${declared.name}' is declared twice`;
    names.add(declared.name);
  }
  return null;
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}

function parameterFaultOf(declared: unknown): string | null {
  if (typeof declared !== "object" || declared === null) return "a parameter is no declaration";
  const { name, summary, initial, min, max } = declared as Record<
    keyof ParameterDeclaration,
    unknown
  >;
  if (typeof name !== "string" || !PARAMETER_NAME.test(name)) {
    return "a parameter's name must be lower-case letters, digits and '-'";
  }
  if (name === "priority" || name === "interval") return `the name '${name}' is the slot's own`;
  if (typeof summary !== "string") return `the parameter '${name}' has no summary`;
  if (!["number", "string", "boolean"].includes(typeof initial)) {
    return `the parameter '${name}' has no initial number, text or flag`;
  }
  for (const limit of [min, max]) {
    if (limit !== undefined && typeof limit !== "number") {
      return `the limits of the parameter '${name}' must be numbers`;
    }
  }
  return null;
}
