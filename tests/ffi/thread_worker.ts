/** A worker that pins itself to processor `cpu` and answers where it runs. */

import { affinity, cpuTimes, currentCpu, pinTo } from "../../ffi/mod.ts";

/** What the worker answers. */
export interface ThreadAnswer {
  affinity: number[];
  cpu: number;
  threadUserSeconds: number;
}

self.addEventListener("message", (event: Event) => {
  pinTo([(event as MessageEvent<number>).data]);
  const answer: ThreadAnswer = {
    affinity: affinity(),
    cpu: currentCpu(),
    threadUserSeconds: cpuTimes().thread.userSeconds,
  };
  (self as unknown as { postMessage(answer: ThreadAnswer): void }).postMessage(answer);
});
