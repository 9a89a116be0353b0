import { assert, assertEquals, assertGreater } from "@std/assert";
import type { Keyspace } from "../../engine/mod.ts";
import {
  createZeroString,
  growString,
  NO_EXPIRY,
  NONE,
  setInteger,
  setPlainString,
} from "../../engine/mod.ts";
import {
  createTestKeyspace,
  findEntry,
  getString,
  locate,
  putString,
  scanKeys,
} from "../support/keyspace.ts";
import { AllocationFaults, assertEveryByteIsOwned } from "../support/memory_accounting.ts";

const encode = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const pattern = (lengthBytes: number) => new Uint8Array(lengthBytes).map((_, i) => i * 13 + 5);

/** Two names in the same shard of a keyspace with seeds 1 and 2, and one in the other shard. */
const [SAME, OTHER, ELSEWHERE] = namesByShard();
const LONG_NAME = "long name ".repeat(40);
const EXPIRES_AT_MS = 5_000_000;
/** More allocations than any operation makes. */
const ALLOCATIONS_MAX = 20;

function namesByShard(): [string, string, string] {
  const keyspace = createTestKeyspace();
  const shardOf = (name: string) => keyspace.shards.indexOf(locate(keyspace, encode(name)).shard);
  const names = Array.from({ length: 64 }, (_, i) => `name:${i}`);
  const same = names.filter((name) => shardOf(name) === 0);
  return [same[0], same[1], names.filter((name) => shardOf(name) === 1)[0]];
}

/** What every key of a keyspace holds, as comparable data. */
function contents(keyspace: Keyspace): unknown[] {
  const found: unknown[] = [];
  for (let database = 0; database < keyspace.databases; database++) {
    for (const key of scanKeys(keyspace, database).sort()) {
      const { shard } = locate(keyspace, encode(key));
      const ref = findEntry(keyspace, database, encode(key));
      found.push([
        database,
        key,
        getString(keyspace, database, encode(key)),
        shard.expiryOf(ref),
      ]);
    }
    found.push([database, keyspace.size(database), keyspace.expiresCount(database)]);
  }
  return found;
}

function put(keyspace: Keyspace, name: string, lengthBytes: number, expiresAtMs = NO_EXPIRY): void {
  putString(keyspace, 0, encode(name), pattern(lengthBytes), expiresAtMs);
}

function grow(keyspace: Keyspace, name: string, lengthBytes: number): void {
  const { shard, hash, key } = locate(keyspace, encode(name));
  growString(shard, 0, findEntry(keyspace, 0, key), hash, lengthBytes);
}

function expire(keyspace: Keyspace, name: string, expiresAtMs: number): void {
  const { shard, hash, key } = locate(keyspace, encode(name));
  shard.setExpiry(0, findEntry(keyspace, 0, key), hash, expiresAtMs);
}

function transfer(keyspace: Keyspace, from: string, to: string, database: number, moves: boolean) {
  const source = locate(keyspace, encode(from));
  const target = locate(keyspace, encode(to));
  const ref = findEntry(keyspace, 0, source.key);
  const existing = findEntry(keyspace, database, target.key);
  const name = [target.key, 0, target.key.length, target.hash, existing] as const;
  if (moves) {
    keyspace.moveEntry(source.shard, 0, ref, source.hash, target.shard, database, ...name);
  } else {
    keyspace.copyEntry(source.shard, ref, target.shard, database, ...name);
  }
}

/** An operation and the keyspace that it meets. */
interface Scenario {
  name: string;
  prepare: (keyspace: Keyspace) => void;
  act: (keyspace: Keyspace) => void;
}

const nothing = () => {};

function storeScenarios(): Scenario[] {
  const scenarios: Scenario[] = [];
  for (const before of [-1, 3, 200, 1000]) {
    for (const after of [3, 200, 1000, 70_000]) {
      for (const expires of [NO_EXPIRY, EXPIRES_AT_MS]) {
        scenarios.push({
          name: `a value of ${after} bytes over ${before}, expiry ${expires}`,
          prepare: (keyspace) => {
            if (before >= 0) put(keyspace, SAME, before);
          },
          act: (keyspace) => put(keyspace, SAME, after, expires),
        });
      }
    }
  }
  scenarios.push({
    name: "a long name and value",
    prepare: nothing,
    act: (keyspace) => put(keyspace, LONG_NAME, 1000, EXPIRES_AT_MS),
  });
  return scenarios;
}

function growScenarios(): Scenario[] {
  const scenarios: Scenario[] = [];
  for (const from of [3, 200, 1000, 70_000]) {
    for (const to of [201, 1001, 70_001, 300_000].filter((length) => length > from)) {
      scenarios.push({
        name: `growing from ${from} to ${to} bytes`,
        prepare: (keyspace) => put(keyspace, SAME, from, EXPIRES_AT_MS),
        act: (keyspace) => grow(keyspace, SAME, to),
      });
    }
  }
  scenarios.push({
    name: "growing an integer",
    prepare: (keyspace) => putString(keyspace, 0, encode(SAME), encode("12345")),
    act: (keyspace) => grow(keyspace, SAME, 400),
  });
  return scenarios;
}

function transferScenarios(): Scenario[] {
  const scenarios: Scenario[] = [];
  for (const lengthBytes of [3, 1000]) {
    for (const existing of [-1, 3, 2000]) {
      for (const [target, database] of [[OTHER, 0], [ELSEWHERE, 0], [SAME, 1]] as const) {
        for (const moves of [false, true]) {
          scenarios.push({
            name: `${moves ? "moving" : "copying"} ${lengthBytes} bytes to ${target}, ` +
              `database ${database}, over ${existing}`,
            prepare: (keyspace) => {
              put(keyspace, SAME, lengthBytes, EXPIRES_AT_MS);
              if (existing < 0) return;
              putString(keyspace, database, encode(target), pattern(existing));
            },
            act: (keyspace) => transfer(keyspace, SAME, target, database, moves),
          });
        }
      }
    }
  }
  return scenarios;
}

function otherScenarios(): Scenario[] {
  const name = encode(SAME);
  return [
    ...[3, 1000].flatMap((lengthBytes) => [
      {
        name: `an expiry for ${lengthBytes} bytes`,
        prepare: (keyspace: Keyspace) => put(keyspace, SAME, lengthBytes),
        act: (keyspace: Keyspace) => expire(keyspace, SAME, EXPIRES_AT_MS),
      },
      {
        name: `no expiry any more for ${lengthBytes} bytes`,
        prepare: (keyspace: Keyspace) => put(keyspace, SAME, lengthBytes, EXPIRES_AT_MS),
        act: (keyspace: Keyspace) => expire(keyspace, SAME, NO_EXPIRY),
      },
      {
        name: `${lengthBytes} zero bytes`,
        prepare: nothing,
        act: (keyspace: Keyspace) => {
          const { shard, hash } = locate(keyspace, name);
          createZeroString(shard, 0, name, 0, name.length, hash, lengthBytes);
        },
      },
    ]),
    {
      name: "an integer with an expiry over a long value",
      prepare: (keyspace) => put(keyspace, SAME, 1000),
      act: (keyspace) => {
        const { shard, hash, key } = locate(keyspace, name);
        const existing = findEntry(keyspace, 0, key);
        setInteger(shard, 0, key, 0, key.length, hash, existing, 2 ** 40, EXPIRES_AT_MS);
      },
    },
    {
      name: "a plain string",
      prepare: nothing,
      act: (keyspace) => {
        const { shard, hash, key } = locate(keyspace, name);
        const text = encode("3.5");
        setPlainString(shard, 0, key, 0, key.length, hash, NONE, text, 0, 3, EXPIRES_AT_MS);
      },
    },
  ];
}

/** Fills the chains of both shards, so that the next insert needs an overflow bucket or a table. */
function crowd(keyspace: Keyspace): void {
  for (let i = 0; keyspace.size(0) < 40; i++) put(keyspace, `crowd:${i}`, 3, EXPIRES_AT_MS + i);
}

function runWithFaults(scenario: Scenario, isCrowded: boolean): number {
  let failures = 0;
  for (let nth = 0; nth < ALLOCATIONS_MAX; nth++) {
    const faults = new AllocationFaults();
    const keyspace = createTestKeyspace({ windowBytes: 4 << 20, prepareHeap: faults.install });
    if (isCrowded) crowd(keyspace);
    scenario.prepare(keyspace);
    const before = contents(keyspace);
    faults.untilFailure = nth;
    const failed = AllocationFaults.runsOutOfMemory(() => scenario.act(keyspace));
    faults.untilFailure = Infinity;
    keyspace.checkInvariants();
    assertEveryByteIsOwned(keyspace);
    if (failed) {
      failures++;
      assertEquals(contents(keyspace), before, "a failed operation leaves everything as it was");
      scenario.act(keyspace);
      keyspace.checkInvariants();
      assertEveryByteIsOwned(keyspace);
    }
    if (faults.failures === 0) return failures;
  }
  throw new Error("the operation allocates without end");
}

const SCENARIOS = [
  ...storeScenarios(),
  ...growScenarios(),
  ...transferScenarios(),
  ...otherScenarios(),
];

Deno.test("keyspace: whichever allocation fails, nothing changes and nothing leaks", () => {
  let failures = 0;
  for (const scenario of SCENARIOS) {
    for (const isCrowded of [false, true]) {
      try {
        failures += runWithFaults(scenario, isCrowded);
      } catch (error) {
        throw new Error(`${scenario.name}, crowded: ${isCrowded}`, { cause: error });
      }
    }
  }
  assertGreater(failures, SCENARIOS.length, "most of the operations were made to fail");
});

Deno.test("keyspace: a full heap takes no more, keeps what it has, and is empty in the end", () => {
  const keyspace = createTestKeyspace({ windowBytes: 2 << 20 });
  const lengths = [3, 100, 1000, 9000, 70_000];
  const stored: [string, number][] = [];
  for (const lengthBytes of lengths.toReversed()) {
    for (let i = 0;; i++) {
      const name = `${lengthBytes}:${i}`;
      const expiresAtMs = i % 3 === 0 ? EXPIRES_AT_MS : NO_EXPIRY;
      const isFull = AllocationFaults.runsOutOfMemory(() =>
        put(keyspace, name, lengthBytes, expiresAtMs)
      );
      if (isFull) break;
      stored.push([name, lengthBytes]);
    }
    keyspace.checkInvariants();
    assertEveryByteIsOwned(keyspace);
  }
  for (const [name, lengthBytes] of stored) {
    assertEquals(getString(keyspace, 0, encode(name)), pattern(lengthBytes));
  }
  assertEquals(keyspace.size(0), stored.length);
  for (const [name] of stored) {
    const { shard, hash, key } = locate(keyspace, encode(name));
    shard.remove(0, findEntry(keyspace, 0, key), hash);
  }
  keyspace.checkInvariants();
  keyspace.flushAll();
  assertEquals(keyspace.usedBytes(), 0);
  put(keyspace, "again", 70_000);
});

Deno.test("keyspace: a string grows until the heap is full, and is whole then", () => {
  const keyspace = createTestKeyspace({ windowBytes: 4 << 20 });
  putString(keyspace, 0, encode(SAME), pattern(10));
  let length = 10;
  while (!AllocationFaults.runsOutOfMemory(() => grow(keyspace, SAME, length + 999))) length += 999;
  const expected = new Uint8Array(length);
  expected.set(pattern(10));
  assertEquals(getString(keyspace, 0, encode(SAME)), expected);
  assertGreater(length, 900_000, "a quarter of the window");
  assert(keyspace.size(0) === 1);
  keyspace.checkInvariants();
  assertEveryByteIsOwned(keyspace);
});
