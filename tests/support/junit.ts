/**
 * Counts tests in the XML report that `deno test --junit-path` writes.
 *
 * @module
 */

/** How many tests ended in which way. */
export interface TestCounts {
  passed: number;
  failed: number;
  ignored: number;
}

const TEST_CASE = /<testcase\b[^>]*?(\/>|>([\s\S]*?)<\/testcase>)/g;

/** Counts the `<testcase>` elements of a report; an empty report counts nothing. */
export function countTests(report: string): TestCounts {
  const counts: TestCounts = { passed: 0, failed: 0, ignored: 0 };
  for (const match of report.matchAll(TEST_CASE)) {
    const body = match[2] ?? "";
    if (body.includes("<failure") || body.includes("<error")) counts.failed++;
    else if (body.includes("<skipped")) counts.ignored++;
    else counts.passed++;
  }
  return counts;
}
