/**
 * Running several workers to their end, within a time.
 *
 * @module
 */

/**
 * Starts a worker of `script` for each of `tasks`, posts it its task, and collects what each
 * answers with its first message. All workers are gone when the promise settles.
 *
 * @throws Error when a worker throws, or when not all have answered after `timeoutMs`.
 */
export async function runWorkers<Task, Answer>(
  script: URL,
  tasks: readonly Task[],
  timeoutMs: number,
): Promise<Answer[]> {
  const workers = tasks.map(() => new Worker(script, { type: "module" }));
  const timer = Promise.withResolvers<never>();
  const timeout = setTimeout(
    () => timer.reject(new Error(`the workers did not end within ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    const answers = workers.map((worker, index) => answerOf<Task, Answer>(worker, tasks[index]));
    return await Promise.race([Promise.all(answers), timer.promise]);
  } finally {
    clearTimeout(timeout);
    for (const worker of workers) worker.terminate();
  }
}

function answerOf<Task, Answer>(worker: Worker, task: Task): Promise<Answer> {
  return new Promise((resolve, reject) => {
    worker.onmessage = (event: MessageEvent<Answer>) => resolve(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.postMessage(task);
  });
}
