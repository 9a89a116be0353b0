/**
 * Glob patterns as Redis matches them: `KEYS`, `SCAN MATCH`, `CONFIG GET`, `PSUBSCRIBE`.
 *
 * | element | matches |
 * | --- | --- |
 * | `*` | any bytes, also none, but nothing in an empty text |
 * | `?` | any byte |
 * | `[abc]`, `[a-z]`, `[^a]` | a byte that the class names, or does not name |
 * | `\x` | the byte `x`, without its special meaning; inside a class too |
 * | other | itself |
 *
 * Every element but `*` takes exactly one byte, so only the last `*` ever needs to be retried: the
 * matcher keeps one resume point instead of recursing. O(pattern × text), no allocation.
 *
 * The corner cases are Redis's, not POSIX's: an unclosed class ends with the pattern, ranges
 * compare signed bytes, an escaped byte in a class minds case even when the rest does not.
 *
 * @module
 */

const STAR = 42;
const DASH = 45;
const QUESTION_MARK = 63;
const CLASS_OPEN = 91;
const BACKSLASH = 92;
const CLASS_CLOSE = 93;
const CARET = 94;
const UPPER_A = 65;
const UPPER_Z = 90;
const CASE_BIT = 32;

/**
 * Runs of `*` followed by something that a pattern may have. One more never matches, as in Redis,
 * where the bound keeps a hostile pattern from exhausting the stack.
 */
export const GLOB_STAR_COUNT_MAX = 1000;

/**
 * Whether the whole text matches the whole pattern.
 *
 * @param patternStart Offset of the pattern in `pattern`; `patternLength` is in bytes.
 * @param textStart Offset of the text in `text`, which may lie beyond 2^31; `textLength` in bytes.
 * @param ignoreCase Compare ASCII letters without case.
 */
export function globMatches(
  pattern: Uint8Array,
  patternStart: number,
  patternLength: number,
  text: Uint8Array,
  textStart: number,
  textLength: number,
  ignoreCase: boolean,
): boolean {
  const patternEnd = patternStart + patternLength;
  const textEnd = textStart + textLength;
  let at = patternStart;
  let textAt = textStart;
  let resumeAt = -1;
  let resumeTextAt = 0;
  let starCount = 0;
  while (textAt < textEnd) {
    let next = -1;
    if (at < patternEnd) {
      if (pattern[at] === STAR) {
        at = skipStars(pattern, at, patternEnd);
        if (at === patternEnd) return true;
        if (++starCount > GLOB_STAR_COUNT_MAX) return false;
        resumeAt = at;
        resumeTextAt = textAt;
        continue;
      }
      next = matchElement(pattern, at, patternEnd, text[textAt], ignoreCase);
    }
    if (next >= 0) {
      at = next;
      textAt++;
      continue;
    }
    if (resumeAt < 0) return false;
    at = resumeAt;
    textAt = ++resumeTextAt;
  }
  if (textLength > 0) at = skipStars(pattern, at, patternEnd);
  return at === patternEnd;
}

/** The first offset from `at` on that is not a `*`, at most `end`. */
function skipStars(pattern: Uint8Array, at: number, end: number): number {
  while (at < end && pattern[at] === STAR) at++;
  return at;
}

/** The offset after the element at `at` if it matches `byte`, else -1. */
function matchElement(
  pattern: Uint8Array,
  at: number,
  end: number,
  byte: number,
  ignoreCase: boolean,
): number {
  let expected = pattern[at];
  if (expected === QUESTION_MARK) return at + 1;
  if (expected === CLASS_OPEN) return matchClass(pattern, at + 1, end, byte, ignoreCase);
  if (expected === BACKSLASH && end - at >= 2) expected = pattern[++at];
  if (ignoreCase) return lower(expected) === lower(byte) ? at + 1 : -1;
  return expected === byte ? at + 1 : -1;
}

/** As `matchElement`, for the class whose first member (or `^`) is at `at`. */
function matchClass(
  pattern: Uint8Array,
  at: number,
  end: number,
  byte: number,
  ignoreCase: boolean,
): number {
  const negated = at < end && pattern[at] === CARET;
  if (negated) at++;
  let matched = false;
  while (at < end && pattern[at] !== CLASS_CLOSE) {
    if (pattern[at] === BACKSLASH && end - at >= 2) {
      if (pattern[at + 1] === byte) matched = true;
      at += 2;
    } else if (end - at >= 3 && pattern[at + 1] === DASH) {
      if (inRange(pattern[at], pattern[at + 2], byte, ignoreCase)) matched = true;
      at += 3;
    } else {
      const member = pattern[at++];
      if (member === byte || (ignoreCase && lower(member) === lower(byte))) matched = true;
    }
  }
  if (matched === negated) return -1;
  return at < end ? at + 1 : end;
}

/** Whether `byte` lies between the two ends, in either order, all three taken as signed bytes. */
function inRange(from: number, to: number, byte: number, ignoreCase: boolean): boolean {
  let low = signed(from);
  let high = signed(to);
  if (low > high) {
    const swapped = low;
    low = high;
    high = swapped;
  }
  let value = signed(byte);
  if (ignoreCase) {
    low = lower(low);
    high = lower(high);
    value = lower(value);
  }
  return value >= low && value <= high;
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}

function lower(byte: number): number {
  return byte >= UPPER_A && byte <= UPPER_Z ? byte | CASE_BIT : byte;
}
