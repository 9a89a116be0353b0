import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { TestScoreTree } from "../support/test_score_tree.ts";

/** Does something to the tree and to its model, or checks that both agree. */
type Step = (test: TestScoreTree) => void;

const scoreArbitrary = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom(0, -0.5, 1e300, Infinity, -Infinity),
  fc.double({ noNaN: true }),
);
const memberArbitrary = fc.oneof(
  fc.nat(300).map((index) => `m${index}`),
  fc.string({ maxLength: 3 }),
);

const addStep = fc.tuple(memberArbitrary, scoreArbitrary)
  .map(([member, score]): Step => (test) => test.set(member, score));
const removeStep = memberArbitrary.map((member): Step => (test) => test.remove(member));

/** Adds a run of elements, ascending, descending or of one score, so that nodes split. */
const fillStep = fc.tuple(fc.nat(900), fc.constantFrom(1, -1, 0))
  .map(([count, direction]): Step => (test) => {
    for (let i = 0; i < count; i++) test.set(`fill:${i}`, i * direction);
  });

/** Removes a part from one end or the middle, so that nodes merge. */
const thinStep = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(800))
  .map(([share, count]): Step => (test) => test.removeRange(share, count));

const moveStep = fc.constant<Step>((test) => test.moveMembers());

const faultStep = fc.tuple(fc.nat(200), fc.nat(3))
  .map(([count, allocations]): Step => (test) => {
    test.insertWithFailure(count, allocations);
  });

const stepArbitrary = fc.oneof(
  { weight: 8, arbitrary: addStep },
  { weight: 6, arbitrary: removeStep },
  { weight: 4, arbitrary: fillStep },
  { weight: 4, arbitrary: thinStep },
  { weight: 1, arbitrary: moveStep },
  { weight: 1, arbitrary: faultStep },
);

Deno.test("a score tree holds what its model holds, in order", () => {
  fc.assert(
    fc.property(fc.array(stepArbitrary, { maxLength: 40, size: "max" }), (steps) => {
      const test = new TestScoreTree();
      for (const step of steps) {
        step(test);
        test.checkInvariants();
      }
      test.checkRanks();
      test.clear();
      assertEquals(test.shard.allocator.requestedBytes, 0);
    }),
    { numRuns: 60 },
  );
});
