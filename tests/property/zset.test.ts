import fc from "fast-check";
import type { NodeSlot } from "../../engine/mod.ts";
import { ENTRIES_MAX, TestZset } from "../support/test_zset.ts";

/** Does something to the set and to its model. */
type Step = (test: TestZset) => void;

const member = fc.oneof(
  { weight: 6, arbitrary: fc.nat(30).map((index) => `m${index}`) },
  { weight: 3, arbitrary: fc.integer({ min: -200, max: 200_000 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom("", "x".repeat(12), "y".repeat(13), "z".repeat(300)) },
);
const score = fc.oneof(
  fc.integer({ min: -4, max: 4 }),
  fc.integer({ min: -9000, max: 9000 }).map((n) => n / 16),
  fc.double({ noNaN: true }).map((n) => n + 0),
  fc.constantFrom(Infinity, -Infinity, 2 ** 52, 2 ** 53, 0.1, 1e-300),
);

const setStep = fc.tuple(member, score).map(([name, value]): Step => (test) => {
  test.set(name, value);
});
const faultStep = fc.tuple(member, score, fc.nat(4)).map(([name, value, nth]): Step => (test) => {
  test.set(name, value, nth);
});
const removeStep = member.map((name): Step => (test) => test.remove(name));
const removeRangeStep = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(12))
  .map(([share, count]): Step => (test) => test.removeRange(share, count));
const fillStep = fc.tuple(fc.nat(300), score).map(([count, base]): Step => (test) => {
  for (let i = 0; i < count; i++) test.set(`fill:${i}`, base + (i % 7));
});
const storeStep = fc.array(fc.tuple(member, score), { minLength: 1, maxLength: ENTRIES_MAX + 4 })
  .map((members): Step => (test) => test.store(members));
const copyStep = fc.constant<Step>((test) => test.copy());

const migrateStep = fc.nat(1).map((node): Step => (test) => test.migrate(node as NodeSlot));

const step = fc.oneof(
  { weight: 12, arbitrary: setStep },
  { weight: 5, arbitrary: removeStep },
  { weight: 2, arbitrary: removeRangeStep },
  { weight: 3, arbitrary: faultStep },
  { weight: 1, arbitrary: fillStep },
  { weight: 1, arbitrary: storeStep },
  { weight: 1, arbitrary: copyStep },
  { weight: 1, arbitrary: migrateStep },
);

Deno.test("a sorted set holds what its model holds, in both encodings", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const test = new TestZset();
      for (const each of steps) {
        each(test);
        test.check();
      }
      test.end();
    }),
    { numRuns: 60 },
  );
});
