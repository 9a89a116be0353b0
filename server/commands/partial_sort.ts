/**
 * A quicksort that stops caring about what lies behind the first few elements, as redis-server's
 * does: with equal elements the order in which they come out is part of the reply.
 *
 * Bentley and McIlroy's "Engineering a sort function" (1993): the median of three or of nine parts
 * the elements into below, equal and above; runs of fewer than seven are sorted by insertion.
 * O(n + k log k) on average for the first k.
 *
 * @module
 */

/** Below this an insertion sort is faster. */
const INSERTION_COUNT_MAX = 6;
/** Above this the pivot is a median of nine. */
const NINTHER_COUNT_MIN = 41;

/** Which of two elements comes first: below, at or above 0. */
export type Compare = (first: number, second: number) => number;

/** Sorts so that the first `wanted` elements of `items` are the least, in order. */
export function partialSort(items: Uint32Array, compare: Compare, wanted: number): void {
  sortPart(items, 0, items.length, compare, wanted);
}

/** Sorts the `count` elements from `first` on, as far as they matter. */
function sortPart(
  items: Uint32Array,
  first: number,
  count: number,
  compare: Compare,
  wanted: number,
): void {
  let from = first;
  let left = count;
  while (from < wanted && left > 1) {
    if (left <= INSERTION_COUNT_MAX) {
      sortByInsertion(items, from, left, compare);
      return;
    }
    exchange(items, from, pivotOf(items, from, left, compare));
    const end = from + left;
    let equalLow = from + 1;
    let low = equalLow;
    let high = end - 1;
    let equalHigh = high;
    for (;;) {
      for (; low <= high; low++) {
        const order = compare(items[low], items[from]);
        if (order > 0) break;
        if (order === 0) exchange(items, equalLow++, low);
      }
      for (; low <= high; high--) {
        const order = compare(items[high], items[from]);
        if (order < 0) break;
        if (order === 0) exchange(items, high, equalHigh--);
      }
      if (low > high) break;
      exchange(items, low++, high--);
    }
    const atFront = Math.min(equalLow - from, low - equalLow);
    exchangeRuns(items, from, low - atFront, atFront);
    const atEnd = Math.min(equalHigh - high, end - equalHigh - 1);
    exchangeRuns(items, low, end - atEnd, atEnd);
    sortPart(items, from, low - equalLow, compare, wanted);
    left = equalHigh - high;
    from = end - left;
  }
}

function sortByInsertion(
  items: Uint32Array,
  from: number,
  count: number,
  compare: Compare,
): void {
  for (let at = from + 1; at < from + count; at++) {
    for (let to = at; to > from && compare(items[to - 1], items[to]) > 0; to--) {
      exchange(items, to, to - 1);
    }
  }
}

/** Index of the element to part the others by. */
function pivotOf(items: Uint32Array, from: number, count: number, compare: Compare): number {
  let middle = from + (count >>> 1);
  if (count === INSERTION_COUNT_MAX + 1) return middle;
  let low = from;
  let high = from + count - 1;
  if (count >= NINTHER_COUNT_MIN) {
    const eighth = count >>> 3;
    low = medianOf(items, low, low + eighth, low + 2 * eighth, compare);
    middle = medianOf(items, middle - eighth, middle, middle + eighth, compare);
    high = medianOf(items, high - 2 * eighth, high - eighth, high, compare);
  }
  return medianOf(items, low, middle, high, compare);
}

function medianOf(
  items: Uint32Array,
  first: number,
  second: number,
  third: number,
  compare: Compare,
): number {
  const isRising = compare(items[first], items[second]) < 0;
  const next = compare(items[second], items[third]);
  if (isRising ? next < 0 : next > 0) return second;
  const outer = compare(items[first], items[third]) < 0;
  if (isRising) return outer ? third : first;
  return outer ? first : third;
}

function exchange(items: Uint32Array, first: number, second: number): void {
  const kept = items[first];
  items[first] = items[second];
  items[second] = kept;
}

function exchangeRuns(items: Uint32Array, first: number, second: number, count: number): void {
  for (let i = 0; i < count; i++) exchange(items, first + i, second + i);
}
