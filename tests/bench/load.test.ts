import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { LatencyHistogram } from "../../bench/load/histogram.ts";
import { createStream, seededRandom, Zipf } from "../../bench/load/key_streams.ts";
import { Mix } from "../../bench/load/mixes.ts";

const BASE = { keyCount: 10_000, theta: 0.99, seed: 3, shiftEvery: 5000, scanShare: 0.5 };

Deno.test("load: quantiles are right within a few percent, the maximum exactly", () => {
  const histogram = new LatencyHistogram();
  for (let i = 1; i <= 10_000; i++) histogram.record(i * 1000);
  for (const part of [0.01, 0.5, 0.99, 0.999]) {
    const expected = part * 1e7;
    assertAlmostEquals(histogram.quantileNs(part), expected, expected * 0.02);
  }
  assertEquals([histogram.maxNs, histogram.count], [1e7, 10_000]);
  assertAlmostEquals(histogram.meanNs, 5_000_500, 1);
});

Deno.test("load: Zipf's ranks come as often as their formula says", () => {
  const count = 1000;
  const zipf = new Zipf(count, 0.99, seededRandom(5));
  const drawn = new Float64Array(count);
  for (let i = 0; i < 200_000; i++) drawn[zipf.next()]++;
  let zeta = 0;
  for (let rank = 1; rank <= count; rank++) zeta += 1 / rank ** 0.99;
  for (const rank of [1, 2, 10, 50]) {
    const expected = 200_000 / (zeta * rank ** 0.99);
    assertAlmostEquals(drawn[rank - 1], expected, expected * 0.25);
  }
});

Deno.test("load: streams stay within their keys, repeat by seed, and shift", () => {
  for (const name of ["uniform", "zipf", "shifting", "scan", "latest"]) {
    const first = createStream({ ...BASE, name });
    const second = createStream({ ...BASE, name });
    for (let i = 0; i < 2000; i++) {
      const key = first.next();
      assert(Number.isInteger(key) && key >= 0 && key < BASE.keyCount, `${name}: ${key}`);
      assertEquals(second.next(), key);
    }
  }
  const shifting = createStream({ ...BASE, name: "shifting" });
  const hottest = () => {
    const counts = new Map<number, number>();
    for (let i = 0; i < 5000; i++) {
      const key = shifting.next();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return [...counts].sort((a, b) => b[1] - a[1])[0][0];
  };
  assert(hottest() !== hottest(), "the hot set moves on");
});

Deno.test("load: a batch has the replies that it says", () => {
  const decoder = new TextDecoder();
  for (const name of ["A", "B", "C", "D", "E", "F"]) {
    const mix = new Mix(name, { next: () => 7 }, seededRandom(9), "v", 100, (i) => `k${i}`);
    const { bytes, replies } = mix.batch(50);
    const commands = decoder.decode(bytes).match(/^\*/gm)?.length;
    assertEquals(commands, replies);
    assert(replies >= 50 && replies <= 51);
  }
});
