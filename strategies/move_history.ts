/**
 * Which keys were moved lately, so that none bounces between nodes.
 *
 * A key that was moved may not be moved again for `holdSeconds`; each further move soon after
 * doubles that, up to 2^`STRIKES_MAX` times. The table is bounded and forgetful: 2^16 sets of two
 * ways, 1.5 MiB whatever the number of keys; a set that is full loses the move that is longest ago.
 * Two keys that share a set and a tag are taken for one, which costs one of them a pause.
 *
 * @module
 */

const SET_BITS = 16;
const WAYS = 2;
const TAG_SHIFT = 8;
/** Doublings of the pause, at most. */
const STRIKES_MAX = 5;
/** A second move within so many pauses is a strike; a later one starts afresh. */
const MEMORY_HOLDS = 4;
const MULTIPLIER = 0x9e3779b1;

/** Moves that the table remembers. */
export const HISTORY_MOVES_MAX: number = WAYS << SET_BITS;

/** The moves of one strategy. */
export class MoveHistory {
  /** Tag above, strikes in the low bits; 0 is empty. */
  readonly #tags = new Uint32Array(HISTORY_MOVES_MAX);
  /** Second of the move. */
  readonly #seconds = new Float64Array(HISTORY_MOVES_MAX);

  /** Whether the key was moved too lately to be moved again. O(1). */
  isHeld(shard: number, hash: number, nowSeconds: number, holdSeconds: number): boolean {
    const at = this.#find(shard, hash);
    if (at < 0) return false;
    const strikes = this.#tags[at] & ((1 << TAG_SHIFT) - 1);
    return nowSeconds - this.#seconds[at] < holdSeconds * 2 ** strikes;
  }

  /** Notes a move. O(1). */
  add(shard: number, hash: number, nowSeconds: number, holdSeconds: number): void {
    let at = this.#find(shard, hash);
    let strikes = 0;
    if (at >= 0) {
      const before = this.#tags[at] & ((1 << TAG_SHIFT) - 1);
      const memorySeconds = holdSeconds * 2 ** before * MEMORY_HOLDS;
      if (nowSeconds - this.#seconds[at] < memorySeconds) {
        strikes = Math.min(STRIKES_MAX, before + 1);
      }
    } else {
      at = setOf(shard, hash) * WAYS;
      if (this.#seconds[at + 1] < this.#seconds[at]) at++;
    }
    this.#tags[at] = tagOf(hash) | strikes;
    this.#seconds[at] = nowSeconds;
  }

  #find(shard: number, hash: number): number {
    const first = setOf(shard, hash) * WAYS;
    const tag = tagOf(hash);
    for (let way = 0; way < WAYS; way++) {
      if ((this.#tags[first + way] >>> TAG_SHIFT) === (tag >>> TAG_SHIFT)) return first + way;
    }
    return -1;
  }
}

function setOf(shard: number, hash: number): number {
  return (Math.imul(hash ^ (shard << 11), MULTIPLIER) >>> (32 - SET_BITS)) & ((1 << SET_BITS) - 1);
}

/** 24 bits of the hash, never 0, above the strikes. */
function tagOf(hash: number): number {
  return (((hash ^ (hash >>> 13)) << TAG_SHIFT) | (1 << TAG_SHIFT)) >>> 0;
}
