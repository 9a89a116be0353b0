import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { findCollidingKeys, TestDictionary } from "../support/test_dictionary.ts";

const COLLIDING = findCollidingKeys();
const TWINS = COLLIDING.twins.flat();

/** Does something to the dictionary and to its model, or checks that both agree. */
type Step = (test: TestDictionary, random: () => number) => void;

const keyArbitrary = fc.oneof(
  fc.nat(200).map((index) => `key:${index}`),
  fc.constantFrom(...COLLIDING.chain),
  fc.constantFrom(...TWINS),
);

const insertStep = keyArbitrary.map((key): Step => (test) => {
  if (test.model.has(key)) test.replace(key);
  else test.insert(key);
});

const removeStep = keyArbitrary.map((key): Step => (test) => {
  if (test.model.has(key)) test.remove(key);
});

const findStep = keyArbitrary.map((key): Step => (test) => void test.find(key));

/** Inserts a run of keys, colliding ones among them, so that tables grow. */
const fillStep = fc.tuple(fc.nat(1500), fc.boolean()).map(([count, collides]): Step => (test) => {
  for (let i = 0; i < count; i++) {
    const key = collides && i < COLLIDING.chain.length ? COLLIDING.chain[i] : `fill:${i}`;
    if (!test.model.has(key)) test.insert(key);
  }
});

/** Removes a share of all keys but the `kept:` ones, so that tables shrink. */
const thinStep = fc.integer({ min: 1, max: 100 }).map((percent): Step => (test, random) => {
  for (const key of [...test.model.keys()]) {
    if (!key.startsWith("kept:") && random() * 100 < percent) test.remove(key);
  }
});

const rehashStep = fc.nat(40).map((count): Step => (test) => {
  for (let i = 0; i < count; i++) test.dictionary.rehashStep(test.dict);
});

const drawStep = fc.nat(5).map((count): Step => (test, random) => {
  for (let i = 0; i < count && test.model.size > 0; i++) test.draw(random);
});

/** Takes a key that is there away, or puts one there, with an allocation that fails on the way. */
const faultStep = fc.tuple(keyArbitrary, fc.nat(2)).map(([key, nth]): Step => (test) => {
  if (test.model.has(key)) {
    test.faults.untilFailure = 0;
    test.remove(key);
  } else {
    // The entry's own allocation comes first.
    test.faults.untilFailure = 1 + nth;
    test.insert(key);
  }
  test.faults.untilFailure = Infinity;
});

const clearStep = fc.constant<Step>((test) => {
  test.dictionary.clear(test.dict);
  for (const ref of test.model.values()) test.shard.freeBlock(ref);
  test.model.clear();
  assertEquals(test.shard.allocator.requestedBytes, 0);
});

const keepingStepArbitrary = fc.oneof(
  { weight: 8, arbitrary: insertStep },
  { weight: 6, arbitrary: removeStep },
  { weight: 4, arbitrary: findStep },
  { weight: 3, arbitrary: fillStep },
  { weight: 3, arbitrary: thinStep },
  { weight: 3, arbitrary: rehashStep },
  { weight: 2, arbitrary: drawStep },
  { weight: 3, arbitrary: faultStep },
);
const stepArbitrary = fc.oneof(
  { weight: 30, arbitrary: keepingStepArbitrary },
  { weight: 1, arbitrary: clearStep },
);

/** A repeatable stream of numbers in [0, 1) (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

Deno.test("dictionary: any sequence of operations leaves what a map would hold", () => {
  fc.assert(
    fc.property(
      fc.array(stepArbitrary, { maxLength: 50, size: "max" }),
      fc.nat(),
      (steps, seed) => {
        const test = new TestDictionary();
        const random = randomFrom(seed);
        for (const step of steps) {
          step(test, random);
          test.dictionary.checkInvariants(test.dict);
          assertEquals(test.dictionary.count(test.dict), test.model.size);
        }
        test.check();
        for (const key of test.model.keys()) test.find(key);
        for (let i = 0; i < 200; i++) test.find(`key:${i}`);
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("dictionary: what stays throughout a scan is met, whatever happens meanwhile", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(60), keepingStepArbitrary), { maxLength: 20, size: "max" }),
      fc.integer({ min: 1, max: 60 }),
      fc.nat(3000),
      fc.nat(),
      (changes, kept, others, seed) => {
        const test = new TestDictionary();
        const random = randomFrom(seed);
        const seen: string[] = [];
        for (let i = 0; i < kept; i++) test.insert(`kept:${i}`);
        for (let i = 0; i < others; i++) test.insert(`fill:${i}`);
        let cursor = test.scan(0, seen);
        for (const [pause, step] of changes) {
          for (let i = 0; i < pause && cursor !== 0; i++) cursor = test.scan(cursor, seen);
          if (cursor !== 0) step(test, random);
        }
        while (cursor !== 0) cursor = test.scan(cursor, seen);
        const met = new Set(seen);
        for (let i = 0; i < kept; i++) assertEquals(met.has(`kept:${i}`), true, `kept:${i}`);
      },
    ),
    { numRuns: 100 },
  );
});
