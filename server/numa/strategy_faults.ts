/**
 * Faults of strategies that no run can catch: in a timer's callback, or in a promise that nobody
 * awaits. Left alone they end the worker, and with it the server, as faults of ours must.
 *
 * Whose a fault is, its stack tells: modules of strategies are loaded with a query of their own
 * (strategies/loader.ts), and ours lie in known folders. What names neither, as the rejection of a
 * read that nobody awaits, or has no stack at all, as `throw null`, is put down to strategies too:
 * our code throws errors only, and awaits what it begins.
 *
 * @module
 */

import { isStrategyError, passesLoadedModule, reasonOf } from "../../strategies/mod.ts";

const OWN_ROOT = new URL("../../", import.meta.url).href;
const OWN_PLACES = ["engine/", "ffi/", "server/", "strategies/", "mod.ts"]
  .map((path) => `${OWN_ROOT}${path}`);

/** What is done about a strategy's fault. Must not throw. */
export type FaultReport = (stack: string, reason: string) => void;

/** Whether something uncaught is a strategy's fault, not ours. Never throws. */
export function isFaultOfStrategy(fault: unknown): boolean {
  const stack = stackOf(fault);
  if (passesLoadedModule(stack) || isStrategyError(fault)) return true;
  return !OWN_PLACES.some((place) => stack.includes(place));
}

/** The stack of what was thrown; empty when it has none that can be read. */
function stackOf(fault: unknown): string {
  try {
    const stack = fault instanceof Error ? fault.stack : "";
    return typeof stack === "string" ? stack : "";
  } catch {
    return "";
  }
}

/** Reports strategies' faults in this thread, instead of having them end it. */
export class StrategyFaultGuard {
  readonly #report: FaultReport;
  #isWatching = false;

  /** Idle until `watch`. */
  constructor(report: FaultReport) {
    this.#report = report;
  }

  /** From now on until the thread ends; to be called before any module of a user's is run. */
  watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    globalThis.addEventListener("error", (event) => this.#consider(event, event.error));
    globalThis.addEventListener(
      "unhandledrejection",
      (event) => this.#consider(event, event.reason),
    );
  }

  #consider(event: Event, fault: unknown): void {
    if (!isFaultOfStrategy(fault)) return;
    event.preventDefault();
    this.#report(stackOf(fault), reasonOf(fault));
  }
}
