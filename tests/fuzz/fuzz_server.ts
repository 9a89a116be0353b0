/**
 * Damaged requests at a live server, over several connections at a time, with a healthy client
 * beside them that must be served all along.
 *
 * @module
 */

import { type Address, RespClient } from "../support/resp_client.ts";
import { mutatedRequests, SeededRandom } from "./resp_mutator.ts";

const CONNECTION_COUNT = 4;
/** How many streams one connection sends at most: the first protocol error ends it. */
const STREAM_COUNT_MAX = 6;
/** A healthy client's request must be answered within this time. */
const ANSWER_TIMEOUT_MS = 10_000;
const PROBE_INTERVAL = 20;

/** What a run did. */
export interface FuzzOutcome {
  sentBytes: number;
  connectionCount: number;
}

/**
 * Sends at least `byteCount` damaged bytes.
 *
 * @throws When the healthy client is not answered in time: the server crashed or hangs.
 */
export async function fuzzServer(
  address: Address,
  seed: number,
  byteCount: number,
): Promise<FuzzOutcome> {
  const outcome: FuzzOutcome = { sentBytes: 0, connectionCount: 0 };
  const share = byteCount / CONNECTION_COUNT;
  const lanes: Promise<void>[] = [];
  for (let lane = 0; lane < CONNECTION_COUNT; lane++) {
    lanes.push(fuzzLane(address, new SeededRandom(seed + lane * 7919), share, outcome));
  }
  await Promise.all(lanes);
  return outcome;
}

/** One connection after the other until `share` bytes are sent. */
async function fuzzLane(
  address: Address,
  random: SeededRandom,
  share: number,
  outcome: FuzzOutcome,
): Promise<void> {
  const healthy = await RespClient.connect(address);
  try {
    for (let sent = 0, round = 0; sent < share; round++) {
      const byteCount = await breakOneConnection(address, random);
      sent += byteCount;
      outcome.sentBytes += byteCount;
      outcome.connectionCount++;
      if (round % PROBE_INTERVAL === 0) await probe(healthy);
    }
    await probe(healthy);
  } finally {
    healthy[Symbol.dispose]();
  }
}

/** Sends until the server closes, or enough was sent. Returns the bytes sent. */
async function breakOneConnection(address: Address, random: SeededRandom): Promise<number> {
  const connection = "path" in address
    ? await Deno.connect({ transport: "unix", path: address.path })
    : await Deno.connect({ hostname: "127.0.0.1", port: address.port });
  const draining = drain(connection);
  let sent = 0;
  const streamCount = 1 + random.below(STREAM_COUNT_MAX);
  try {
    for (let i = 0; i < streamCount && !draining.isEnded; i++) {
      const bytes = mutatedRequests(random);
      for (let from = 0; from < bytes.length;) {
        const packetBytes = 1 + random.below(random.below(4) === 0 ? 20 : 16_000);
        from += await connection.write(bytes.subarray(from, from + packetBytes));
      }
      sent += Math.max(1, bytes.length);
    }
    if (random.below(4) > 0) {
      await connection.closeWrite();
      await draining.end;
    }
  } catch {
    // The server closed: that is its right.
  }
  connection.close();
  await draining.end;
  return sent;
}

/** Reads and forgets, so that replies do not pile up. */
function drain(connection: Deno.Conn): { isEnded: boolean; end: Promise<void> } {
  const state = { isEnded: false, end: Promise.resolve() };
  const buffer = new Uint8Array(16_384);
  state.end = (async () => {
    try {
      while (await connection.read(buffer) !== null);
    } catch {
      // Closed by either side.
    }
    state.isEnded = true;
  })();
  return state;
}

async function probe(healthy: RespClient): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error("Cannot reach the server: it hangs")),
      ANSWER_TIMEOUT_MS,
    );
  });
  try {
    const reply = await Promise.race([healthy.text("PING"), late]);
    if (reply !== "+PONG\r\n") throw new Error(`Cannot go on: PING was answered by ${reply}`);
  } finally {
    clearTimeout(timer);
  }
}
