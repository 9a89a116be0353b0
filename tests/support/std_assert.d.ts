/**
 * Types of the part of Deno's standard assertions that the tests use; npm carries them untyped.
 *
 * @module
 */

// deno-lint-ignore no-explicit-any -- a constructor's parameters do not matter to `instanceof`
type ErrorConstructorOf<E extends Error> = abstract new (...parameters: any[]) => E;

/** Thrown by every assertion below. */
export class AssertionError extends Error {}

/** Fails unless `condition` is truthy. */
export function assert(condition: unknown, message?: string): asserts condition;
/** Fails unless both are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void;
/** Fails when both are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
/** Fails unless `Object.is(actual, expected)`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  message?: string,
): asserts actual is T;
/** Fails when `Object.is(actual, expected)`. */
export function assertNotStrictEquals<T>(actual: T, expected: T, message?: string): void;
/** Fails unless both differ by at most `tolerance` (1e-7 of `expected` by default). */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  message?: string,
): void;
/** Fails unless `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, message?: string): void;
/** Fails unless `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void;
/** Fails unless `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, message?: string): void;
/** Fails unless `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void;
/** Fails when `actual` is null or undefined. */
export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T>;
/** Fails unless `actual` is falsy. */
export function assertFalse(actual: unknown, message?: string): void;
/** Fails unless `actual` is an instance of `type`. */
export function assertInstanceOf<T>(
  actual: unknown,
  // deno-lint-ignore no-explicit-any -- as above
  type: abstract new (...parameters: any[]) => T,
  message?: string,
): asserts actual is T;
/** Fails unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void;
/** Fails unless `actual` holds every item of `expected`. */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  message?: string,
): void;
/** Fails unless `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void;
/** Fails when `actual` matches `expected`. */
export function assertNotMatch(actual: string, expected: RegExp, message?: string): void;
/** Fails unless `expected` is a subset of `actual`, recursively. */
export function assertObjectMatch(
  actual: object,
  expected: Record<PropertyKey, unknown>,
  message?: string,
): void;
/** Fails unless `error` is of class `type` and its message includes `messageIncludes`. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  type?: ErrorConstructorOf<E>,
  messageIncludes?: string | RegExp,
  message?: string,
): asserts error is E;
/** Fails unless `action` throws; returns what it threw. */
export function assertThrows(action: () => unknown, message?: string): unknown;
export function assertThrows<E extends Error = Error>(
  action: () => unknown,
  type: ErrorConstructorOf<E>,
  messageIncludes?: string,
  message?: string,
): E;
/** Fails unless the promise of `action` rejects; resolves to what it rejected with. */
export function assertRejects(
  action: () => PromiseLike<unknown>,
  message?: string,
): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  action: () => PromiseLike<unknown>,
  type: ErrorConstructorOf<E>,
  messageIncludes?: string,
  message?: string,
): Promise<E>;
/** Always fails. */
export function fail(message?: string): never;
/** Fails: this line must not be reached. */
export function unreachable(reason?: string): never;
/** Whether both are deeply equal. */
export function equal(left: unknown, right: unknown): boolean;
