/**
 * Which keys were moved lately, so that none bounces between nodes.
 *
 * A key that was moved may not be moved again for `holdSeconds`; each further move soon after
 * doubles that, up to 2^`STRIKES_MAX` times, and to `PAUSE_SECONDS_MAX`: seconds are told apart
 * modulo 2^16, and a pause beyond that would never end. The table is bounded: 2^17 sets of four
 * words, 2 MiB whatever the number of keys.
 *
 * ```text
 * word:  second of the move, modulo 2^16 (16 bits) | tag of the hash (13) | strikes (3)
 * ```
 *
 * Invariants:
 *  1. A move is only forgotten when its pause is over: while a set is full of keys that are held,
 *     every key of that set is.
 *  2. Two keys with the same set and tag are taken for one: of a full table, 1 in 2000 waits in
 *     vain.
 *
 * @module
 */

const SET_BITS = 17;
const WAYS = 4;
const SECONDS_SHIFT = 16;
const SECONDS_MASK = 0xffff;
const TAG_SHIFT = 3;
const TAG_MASK = 0xfff8;
const STRIKES_MASK = 7;
/** Doublings of the pause, at most. */
const STRIKES_MAX = 5;
/** A second move within so many pauses is a strike; a later one starts afresh. */
const MEMORY_HOLDS = 4;
/** Longest pause, 3.6 hours: the memory of it, too, must end before seconds repeat. */
export const PAUSE_SECONDS_MAX: number = Math.floor(SECONDS_MASK / (MEMORY_HOLDS + 1));
const MULTIPLIER = 0x9e3779b1;
const NOWHERE = -1;

/** Moves that the table remembers. */
export const HISTORY_MOVES_MAX: number = WAYS << SET_BITS;

/** The moves of one strategy. Seconds count from any time, and may be fractions. */
export class MoveHistory {
  readonly #words = new Uint32Array(HISTORY_MOVES_MAX);

  /** Whether the key was moved too lately to be moved again, or cannot be remembered. O(1). */
  isHeld(shard: number, hash: number, nowSeconds: number, holdSeconds: number): boolean {
    const at = this.#find(shard, hash);
    if (at !== NOWHERE) return isHeldWord(this.#words[at], nowSeconds, holdSeconds);
    return this.#findFree(shard, hash, nowSeconds, holdSeconds) === NOWHERE;
  }

  /** Whole seconds since the key's last move that is remembered; -1 when none is. O(1). */
  secondsSinceMove(shard: number, hash: number, nowSeconds: number): number {
    const at = this.#find(shard, hash);
    return at === NOWHERE ? -1 : ageSeconds(this.#words[at], nowSeconds);
  }

  /** Notes a move of a key that was not held. O(1). */
  add(shard: number, hash: number, nowSeconds: number, holdSeconds: number): void {
    let at = this.#find(shard, hash);
    let strikes = 0;
    if (at !== NOWHERE) {
      const word = this.#words[at];
      const isSoon = ageSeconds(word, nowSeconds) < pauseSeconds(word, holdSeconds) * MEMORY_HOLDS;
      if (isSoon) strikes = Math.min(STRIKES_MAX, (word & STRIKES_MASK) + 1);
    } else {
      at = this.#findFree(shard, hash, nowSeconds, holdSeconds);
      if (at === NOWHERE) return;
    }
    const seconds = Math.floor(nowSeconds) & SECONDS_MASK;
    this.#words[at] = (seconds << SECONDS_SHIFT) | tagOf(hash) | strikes;
  }

  #find(shard: number, hash: number): number {
    const first = firstOf(shard, hash);
    const tag = tagOf(hash);
    for (let way = 0; way < WAYS; way++) {
      if ((this.#words[first + way] & TAG_MASK) === tag) return first + way;
    }
    return NOWHERE;
  }

  /** A word of the key's set that is empty or whose pause is over. */
  #findFree(shard: number, hash: number, nowSeconds: number, holdSeconds: number): number {
    const first = firstOf(shard, hash);
    for (let way = 0; way < WAYS; way++) {
      if (!isHeldWord(this.#words[first + way], nowSeconds, holdSeconds)) return first + way;
    }
    return NOWHERE;
  }
}

function isHeldWord(word: number, nowSeconds: number, holdSeconds: number): boolean {
  if (word === 0) return false;
  return ageSeconds(word, nowSeconds) <= pauseSeconds(word, holdSeconds);
}

function pauseSeconds(word: number, holdSeconds: number): number {
  return Math.min(PAUSE_SECONDS_MAX, holdSeconds * 2 ** (word & STRIKES_MASK));
}

/** Whole seconds since the move, modulo 2^16. */
function ageSeconds(word: number, nowSeconds: number): number {
  return (Math.floor(nowSeconds) - (word >>> SECONDS_SHIFT)) & SECONDS_MASK;
}

function firstOf(shard: number, hash: number): number {
  return (Math.imul(hash ^ (shard << 11), MULTIPLIER) >>> (32 - SET_BITS)) * WAYS;
}

/** 13 bits of the hash, never all 0, above the strikes. */
function tagOf(hash: number): number {
  return (((hash ^ (hash >>> 13)) << TAG_SHIFT) & TAG_MASK) | (1 << TAG_SHIFT);
}
