/**
 * A worker that does nothing but fail, as `?fault=` in its address says: before it is ready
 * (`start`), at the first connection by an exception nobody catches (`throw`) or by a promise
 * nobody awaits (`reject`), or by not answering when the server goes down (`silent`).
 *
 * @module
 */

/// <reference lib="deno.worker" />

import type { SupervisorMessage, WorkerMessage } from "../../server/worker_messages.ts";

const fault = new URL(import.meta.url).searchParams.get("fault");

function post(message: WorkerMessage): void {
  self.postMessage(message);
}

self.onmessage = (event: MessageEvent<SupervisorMessage>) => {
  if (event.data.type !== "start") return;
  const { workerIndex, addresses } = event.data.start;
  if (fault === "start") {
    post({ type: "failed", reason: "no such luck" });
    return;
  }
  // One of several workers is enough.
  if (workerIndex === 0) Deno.listen(addresses[0]).accept().then(fail);
  post({ type: "ready" });
};

function fail(): void {
  if (fault === "reject") throw new Error("rejected in a worker");
  setTimeout(() => {
    if (fault === "throw") throw new Error("thrown in a worker");
  }, 0);
}
