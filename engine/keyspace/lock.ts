/**
 * The lock of a shard: one word in shared memory, 0 free, 1 held, 2 held and waited for.
 *
 * Free and taken without the kernel; a worker that finds it held spins briefly, since commands hold
 * it for a microsecond or two, then sleeps in `Atomics.wait`. The three states are those of Ulrich
 * Drepper's "Futexes Are Tricky": only a holder that finds 2 has to wake somebody.
 *
 * @module
 */

const FREE = 0;
const HELD = 1;
const CONTENDED = 2;
/** About 2 µs of looking, the length of a command or two. */
const SPINS_MAX = 100;

/** Takes the lock at `words[index]`, waiting as long as it takes. */
export function acquireLock(words: Int32Array, index: number): void {
  if (Atomics.compareExchange(words, index, FREE, HELD) === FREE) return;
  for (let spin = 0; spin < SPINS_MAX; spin++) {
    if (
      Atomics.load(words, index) === FREE &&
      Atomics.compareExchange(words, index, FREE, HELD) === FREE
    ) return;
  }
  while (Atomics.exchange(words, index, CONTENDED) !== FREE) {
    Atomics.wait(words, index, CONTENDED);
  }
}

/** Gives the lock back and wakes one waiter if there is any. */
export function releaseLock(words: Int32Array, index: number): void {
  if (Atomics.exchange(words, index, FREE) === CONTENDED) Atomics.notify(words, index, 1);
}
