import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Keyspace } from "../../engine/mod.ts";
import {
  entryKeyLength,
  entryKeyStart,
  growString,
  NO_EXPIRY,
  NONE,
  stringLength,
  writeString,
} from "../../engine/mod.ts";
import {
  createTestKeyspace,
  findEntry,
  getString,
  locate,
  putString,
  scanKeys,
} from "../support/keyspace.ts";
import { assertEveryByteIsOwned } from "../support/memory_accounting.ts";

/** What a key should hold. */
interface Expected {
  value: Uint8Array;
  expiresAtMs: number;
}

class Model {
  databases: Map<string, Expected>[] = [new Map(), new Map()];
  nowMs = 1_000_000;

  live(database: number, key: string): Expected | undefined {
    const expected = this.databases[database].get(key);
    if (expected !== undefined && expected.expiresAtMs <= this.nowMs) {
      this.databases[database].delete(key);
      return undefined;
    }
    return expected;
  }

  expireAll(): void {
    for (const database of [0, 1]) {
      for (const key of this.databases[database].keys()) this.live(database, key);
    }
  }
}

type Step = (model: Model, keyspace: Keyspace) => void;

const encode = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

const databaseArbitrary = fc.nat(1);
const keyArbitrary = fc.oneof(
  fc.nat(60).map((n) => `key:${n}`),
  fc.nat(3).map((n) => `long:${n}`.padEnd(300, "k")),
  fc.constant(""),
);
const valueArbitrary = fc.oneof(
  fc.integer().map((n) => encode(String(n))),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => encode(String(n))),
  fc.constantFrom("-0", "007", "+1", "", "9223372036854775808", "1e3").map(encode),
  fc.uint8Array({ maxLength: 60 }),
  fc.nat(5000).map((length) => new Uint8Array(length).fill(length)),
);
const expiryArbitrary = fc.oneof(
  fc.constant(NO_EXPIRY),
  fc.integer({ min: 1, max: 100_000 }),
);

const setStep = fc.tuple(databaseArbitrary, keyArbitrary, valueArbitrary, expiryArbitrary).map((
  [database, key, value, ttlMs],
): Step =>
(model, keyspace) => {
  const expiresAtMs = model.nowMs + ttlMs;
  putString(keyspace, database, encode(key), value, expiresAtMs);
  model.databases[database].set(key, { value, expiresAtMs });
});

const deleteStep = fc.tuple(databaseArbitrary, keyArbitrary).map((
  [database, key],
): Step =>
(model, keyspace) => {
  const ref = findEntry(keyspace, database, encode(key));
  assertEquals(ref !== NONE, model.live(database, key) !== undefined);
  if (ref === NONE) return;
  const { hash, shard } = locate(keyspace, encode(key));
  shard.remove(database, ref, hash);
  model.databases[database].delete(key);
});

const appendStep = fc.tuple(databaseArbitrary, keyArbitrary, fc.uint8Array({ maxLength: 400 })).map(
  ([database, key, tail]): Step => (model, keyspace) => {
    const ref = findEntry(keyspace, database, encode(key));
    const expected = model.live(database, key);
    if (ref === NONE || expected === undefined) return;
    const { hash, shard } = locate(keyspace, encode(key));
    const oldLength = stringLength(shard, ref);
    assertEquals(oldLength, expected.value.length);
    const grown = growString(shard, database, ref, hash, oldLength + tail.length);
    writeString(shard, grown, oldLength, tail, 0, tail.length);
    const value = new Uint8Array(oldLength + tail.length);
    value.set(expected.value);
    value.set(tail, oldLength);
    model.databases[database].set(key, { value, expiresAtMs: expected.expiresAtMs });
  },
);

const expireStep = fc.tuple(databaseArbitrary, keyArbitrary, expiryArbitrary).map((
  [database, key, ttlMs],
): Step =>
(model, keyspace) => {
  const ref = findEntry(keyspace, database, encode(key));
  const expected = model.live(database, key);
  if (ref === NONE || expected === undefined) return;
  const { hash, shard } = locate(keyspace, encode(key));
  expected.expiresAtMs = model.nowMs + ttlMs;
  shard.setExpiry(database, ref, hash, expected.expiresAtMs);
});

const transferStep = fc.tuple(
  databaseArbitrary,
  keyArbitrary,
  databaseArbitrary,
  keyArbitrary,
  fc.boolean(),
).map(([fromDatabase, from, toDatabase, to, moves]): Step => (model, keyspace) => {
  if (fromDatabase === toDatabase && from === to) return;
  const ref = findEntry(keyspace, fromDatabase, encode(from));
  const expected = model.live(fromDatabase, from);
  if (ref === NONE || expected === undefined) return;
  const source = locate(keyspace, encode(from));
  const target = locate(keyspace, encode(to));
  const existing = findEntry(keyspace, toDatabase, target.key);
  const name = [target.key, 0, target.key.length, target.hash, existing] as const;
  if (moves) {
    keyspace.moveEntry(
      source.shard,
      fromDatabase,
      ref,
      source.hash,
      target.shard,
      toDatabase,
      ...name,
    );
    model.databases[fromDatabase].delete(from);
  } else {
    keyspace.copyEntry(source.shard, ref, target.shard, toDatabase, ...name);
  }
  model.databases[toDatabase].set(to, { ...expected });
});

const timeStep = fc.nat(50_000).map((passedMs): Step => (model, keyspace) => {
  model.nowMs += passedMs;
  keyspace.clock.set(model.nowMs);
});

const fillStep = fc.tuple(databaseArbitrary, fc.nat(300)).map((
  [database, count],
): Step =>
(model, keyspace) => {
  for (let i = 0; i < count; i++) {
    const key = `fill:${i}`;
    putString(keyspace, database, encode(key), encode(`value ${i}`));
    model.databases[database].set(key, { value: encode(`value ${i}`), expiresAtMs: NO_EXPIRY });
  }
});

const backgroundStep = fc.constant<Step>((model, keyspace) => {
  keyspace.expireStep(1000, () => 0);
  keyspace.rehashStep(1000, () => 0);
  keyspace.freeGarbageStep(1000, () => 0);
  keyspace.purge(1000);
  model.expireAll();
});

const swapStep = fc.constant<Step>((model, keyspace) => {
  keyspace.swap(0, 1);
  model.databases.reverse();
});

const flushStep = fc.tuple(databaseArbitrary, fc.boolean()).map((
  [database, isLazy],
): Step =>
(model, keyspace) => {
  if (isLazy) keyspace.flushLater(database);
  else keyspace.flush(database);
  model.databases[database].clear();
});

const stepArbitrary = fc.oneof(
  { weight: 10, arbitrary: setStep },
  { weight: 4, arbitrary: deleteStep },
  { weight: 4, arbitrary: appendStep },
  { weight: 4, arbitrary: expireStep },
  { weight: 4, arbitrary: transferStep },
  { weight: 2, arbitrary: timeStep },
  { weight: 2, arbitrary: fillStep },
  { weight: 2, arbitrary: backgroundStep },
  { weight: 1, arbitrary: swapStep },
  { weight: 1, arbitrary: flushStep },
);

/** As many steps as fit most of the time: fast-check by itself would try few. */
const stepsArbitrary = fc.array(stepArbitrary, { maxLength: 60, size: "max" });

function assertSame(model: Model, keyspace: Keyspace): void {
  for (const database of [0, 1]) {
    for (const [key, expected] of model.databases[database]) {
      const isLive = model.live(database, key) !== undefined;
      const value = getString(keyspace, database, encode(key));
      if (!isLive) {
        assert(value === null, "an expired key is gone");
        continue;
      }
      assertEquals(value, expected.value);
      const { shard } = locate(keyspace, encode(key));
      const ref = findEntry(keyspace, database, encode(key));
      assertEquals(shard.expiryOf(ref), expected.expiresAtMs);
    }
    assertEquals(
      [...new Set(scanKeys(keyspace, database))].sort(),
      [...model.databases[database].keys()].sort(),
    );
    assertEquals(keyspace.size(database), model.databases[database].size);
  }
}

Deno.test("keyspace: any sequence of operations leaves what a map would hold", () => {
  fc.assert(
    fc.property(stepsArbitrary, fc.nat(), (steps, seed) => {
      const keyspace = createTestKeyspace({ seed, windowBytes: 16 * 1024 * 1024 });
      const model = new Model();
      for (const step of steps) {
        step(model, keyspace);
        keyspace.checkInvariants();
        assertEveryByteIsOwned(keyspace);
      }
      assertSame(model, keyspace);
      keyspace.flushAll();
      assertEquals(keyspace.usedBytes(), 0);
    }),
    { numRuns: 150 },
  );
});

Deno.test("keyspace: keys present throughout a scan are returned whatever else happens", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2000 }),
      fc.array(fc.integer({ min: -3000, max: 3000 }), { maxLength: 30, size: "max" }),
      fc.integer({ min: 1, max: 50 }),
      (kept, changes, count) => {
        const keyspace = createTestKeyspace({ windowBytes: 16 * 1024 * 1024 });
        for (let i = 0; i < kept; i++) putString(keyspace, 0, encode(`kept:${i}`), encode("x"));
        const seen = new Set<string>();
        let others = 0;
        let cursor = 0;
        let step = 0;
        do {
          cursor = keyspace.scan(0, cursor, count);
          collect(keyspace, seen);
          const change = step < changes.length ? changes[step++] : 0;
          others = changeOthers(keyspace, others, change);
        } while (cursor !== 0);
        for (let i = 0; i < kept; i++) assert(seen.has(`kept:${i}`), `kept:${i} was not returned`);
        keyspace.checkInvariants();
      },
    ),
    { numRuns: 40 },
  );
});

function collect(keyspace: Keyspace, seen: Set<string>): void {
  const shard = keyspace.shards[keyspace.scanShard];
  for (let i = 0; i < keyspace.scanBatch.count; i++) {
    const ref = keyspace.scanBatch.refs[i] as Parameters<typeof entryKeyStart>[1];
    const start = entryKeyStart(shard.window, ref);
    const bytes = shard.window.u8.slice(start, start + entryKeyLength(shard.window, ref));
    seen.add(String.fromCharCode(...bytes));
  }
}

/** Adds (or, for a negative `change`, removes) other keys; returns how many there are then. */
function changeOthers(keyspace: Keyspace, others: number, change: number): number {
  const wanted = Math.max(0, others + change);
  for (let i = others; i < wanted; i++) putString(keyspace, 0, encode(`other:${i}`), encode("y"));
  for (let i = wanted; i < others; i++) {
    const { hash, shard, key } = locate(keyspace, encode(`other:${i}`));
    shard.remove(0, findEntry(keyspace, 0, key), hash);
  }
  return wanted;
}
