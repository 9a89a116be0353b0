/**
 * Lists of processors and nodes as the kernel writes them: `0-3,8`.
 *
 * @module
 */

/** The numbers that `text` lists, in its order. What is no number is left out. */
export function parseNumberList(text: string): number[] {
  const numbers: number[] = [];
  for (const part of text.trim().split(",")) {
    const [first, last = first] = part.split("-").map((end) => parseInt(end, 10));
    for (let number = first; number <= last; number++) numbers.push(number);
  }
  return numbers;
}

/** `numbers`, which must rise, as the kernel writes them. */
export function formatNumberList(numbers: readonly number[]): string {
  const parts: string[] = [];
  for (let start = 0; start < numbers.length;) {
    let end = start;
    while (end + 1 < numbers.length && numbers[end + 1] === numbers[end] + 1) end++;
    parts.push(start === end ? `${numbers[start]}` : `${numbers[start]}-${numbers[end]}`);
    start = end + 1;
  }
  return parts.join(",");
}
