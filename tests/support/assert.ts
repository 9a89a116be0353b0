/**
 * Deno's standard assertions, typed. `deno.json` maps `@std/assert` to this file, so that taking
 * them from elsewhere is one line.
 *
 * @module
 */

// @ts-types="./std_assert.d.ts"
export {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertIsError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertNotStrictEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
  unreachable,
} from "npm:deno-std@1.4.0/assert/mod.js";
