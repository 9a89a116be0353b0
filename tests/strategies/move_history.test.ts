import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import fc from "fast-check";
import {
  HISTORY_MOVES_MAX,
  MoveHistory,
  PAUSE_SECONDS_MAX,
} from "../../strategies/move_history.ts";
import { randomSource } from "../support/random_source.ts";

Deno.test("a key that was moved is held, each time twice as long", () => {
  const history = new MoveHistory();
  assert(!history.isHeld(1, 42, 0, 10));
  let nowSeconds = 1000;
  for (const pauseSeconds of [10, 20, 40, 80, 160, 320, 320]) {
    history.add(1, 42, nowSeconds, 10);
    assert(history.isHeld(1, 42, nowSeconds + pauseSeconds, 10));
    nowSeconds += pauseSeconds + 1;
    assert(!history.isHeld(1, 42, nowSeconds, 10), `${pauseSeconds}`);
  }
  nowSeconds += 320 * 4;
  history.add(1, 42, nowSeconds, 10);
  assert(!history.isHeld(1, 42, nowSeconds + 11, 10), "long ago is forgiven");
  assert(!history.isHeld(2, 42, nowSeconds, 10), "another shard's key");
});

Deno.test("the longest pause ends, and is forgiven later", () => {
  for (const holdSeconds of [3600, 1e6]) {
    const history = new MoveHistory();
    let nowSeconds = 1e9;
    for (let move = 0; move < 8; move++) {
      history.add(1, 42, nowSeconds, holdSeconds);
      const pauseSeconds = Math.min(holdSeconds * 2 ** Math.min(move, 5), PAUSE_SECONDS_MAX);
      assert(history.isHeld(1, 42, nowSeconds + pauseSeconds, holdSeconds));
      nowSeconds += pauseSeconds + 1;
      assert(!history.isHeld(1, 42, nowSeconds, holdSeconds), `${holdSeconds} ${move}`);
    }
    nowSeconds += PAUSE_SECONDS_MAX * 3;
    history.add(1, 42, nowSeconds, holdSeconds);
    nowSeconds += Math.min(holdSeconds, PAUSE_SECONDS_MAX) + 1;
    assert(!history.isHeld(1, 42, nowSeconds, holdSeconds), "long ago is forgiven");
  }
});

Deno.test("no key is ever moved twice within its pause, however many keys there are", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 20 }), (seed, holdSeconds) => {
      const history = new MoveHistory();
      const random = randomSource(seed);
      const movedAt = new Map<number, number>();
      let nowSeconds = random() * 100_000;
      for (let i = 0; i < 5000; i++) {
        nowSeconds += random() * 0.05;
        const hash = Math.imul(Math.floor(random() * 500), 0x01000193);
        if (history.isHeld(0, hash, nowSeconds, holdSeconds)) continue;
        const before = movedAt.get(hash) ?? -Infinity;
        assert(nowSeconds - before >= holdSeconds);
        movedAt.set(hash, nowSeconds);
        history.add(0, hash, nowSeconds, holdSeconds);
      }
      assertGreater(movedAt.size, 100);
    }),
    { numRuns: 20 },
  );
});

Deno.test("a table that is full holds every key, and is free again after the pause", () => {
  const history = new MoveHistory();
  const random = randomSource(1);
  let refused = 0;
  for (let i = 0; i < HISTORY_MOVES_MAX * 3; i++) {
    const hash = (random() * 2 ** 32) | 0;
    if (history.isHeld(0, hash, 50, 10)) refused++;
    else history.add(0, hash, 50, 10);
  }
  assertGreater(refused, HISTORY_MOVES_MAX);
  let held = 0;
  for (let i = 0; i < 1000; i++) {
    if (history.isHeld(0, (random() * 2 ** 32) | 0, 50, 10)) held++;
  }
  assertGreater(held, 900);
  held = 0;
  for (let i = 0; i < 1000; i++) {
    if (history.isHeld(0, (random() * 2 ** 32) | 0, 61, 10)) held++;
  }
  assertEquals(held, 0);
  assertLess(refused, HISTORY_MOVES_MAX * 3);
});
