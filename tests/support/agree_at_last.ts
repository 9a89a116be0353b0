/**
 * Comparing readings of memory that do not come from one moment.
 *
 * @module
 */

import { AssertionError } from "@std/assert";

const LOOKS_MAX = 5;
const LOOK_INTERVAL_MS = 200;

/**
 * Compares readings until they agree: what is freed in the background may go between two of them.
 *
 * @param compare Reads anew and asserts; what it returns is returned.
 * @throws what `compare` throws the last time, or that is no assertion.
 */
export async function agreeAtLast<T>(compare: () => T | Promise<T>): Promise<T> {
  for (let look = 1; look < LOOKS_MAX; look++) {
    try {
      return await compare();
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
  }
  return await compare();
}
