/** A worker that goes to the node it is told and answers where it runs. */

import { affinity, currentCpu, runOnNode } from "../../../ffi/mod.ts";
import { answerQuestions } from "./ask_worker.ts";

/** What the worker answers. */
export interface PinnedAnswer {
  affinity: number[];
  cpu: number;
}

answerQuestions((nodeId: number): PinnedAnswer => {
  runOnNode(nodeId);
  return { affinity: affinity(), cpu: currentCpu() };
});
