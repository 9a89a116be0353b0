/**
 * What the wire tests share.
 *
 * @module
 */

const WORKER_COUNTS = [1, 2];

/**
 * Registers `name` twice: against a server of one worker and of two. Client libraries keep timers
 * of their own, so what a test leaves behind is not looked at.
 */
export function onBothWorkerCounts(name: string, run: (workers: number) => Promise<void>): void {
  for (const workers of WORKER_COUNTS) {
    Deno.test({
      name: `${name}, ${workers} worker(s)`,
      sanitizeOps: false,
      sanitizeResources: false,
      fn: () => run(workers),
    });
  }
}
