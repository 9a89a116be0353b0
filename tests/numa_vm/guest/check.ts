/**
 * Checks that run inside the virtual machine. A module of checks exports a list of them and does
 * nothing else when it is loaded: the host loads it too, to know which results to expect.
 *
 * @module
 */

/** One statement about the running guest. */
export interface GuestCheck {
  /** The statement; unique over all checks. */
  name: string;
  /** Throws when it does not hold. */
  run: () => void | Promise<void>;
}

/** What became of a check. The guest prints one as a line of JSON. */
export interface GuestResult {
  check: string;
  /** Null when it held; else the error with its stack. */
  error: string | null;
  elapsedMs: number;
}

/** Throws unless both are equal as JSON. The guest has no npm packages, hence not `@std/assert`. */
export function mustEqual(actual: unknown, expected: unknown, what: string): void {
  const [actualText, expectedText] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (actualText !== expectedText) throw new Error(`${what}: ${actualText}, not ${expectedText}`);
}

/** Throws unless `condition` holds. */
export function must(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Runs the checks in their order and prints a line for each. Returns how many did not hold. */
export async function runChecks(checks: readonly GuestCheck[]): Promise<number> {
  let failures = 0;
  for (const { name, run } of checks) {
    const start = performance.now();
    let error: string | null = null;
    try {
      await run();
    } catch (thrown) {
      failures++;
      error = thrown instanceof Error ? thrown.stack ?? thrown.message : String(thrown);
    }
    const elapsedMs = Math.round(performance.now() - start);
    console.log(JSON.stringify({ check: name, error, elapsedMs } satisfies GuestResult));
  }
  return failures;
}

/** The results among the lines of a guest's output. */
export function parseResults(output: string): GuestResult[] {
  const results: GuestResult[] = [];
  for (const line of output.split("\n")) {
    if (line.startsWith(`{"check":`)) results.push(JSON.parse(line));
  }
  return results;
}
