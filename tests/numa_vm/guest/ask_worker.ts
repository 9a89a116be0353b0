/**
 * One question to a worker made for it.
 *
 * @module
 */

/** Starts the worker `file` of this folder, posts it `question` and returns its first answer. */
export async function askWorker<Answer>(file: string, question: unknown): Promise<Answer> {
  const worker = new Worker(new URL(`./${file}`, import.meta.url), { type: "module" });
  try {
    const answer = Promise.withResolvers<Answer>();
    worker.onmessage = (event: MessageEvent<Answer>) => answer.resolve(event.data);
    worker.onerror = (event: ErrorEvent) => {
      event.preventDefault();
      answer.reject(new Error(event.message));
    };
    worker.postMessage(question);
    return await answer.promise;
  } finally {
    worker.terminate();
  }
}

/** In a worker: answers every question with what `answerTo` makes of it. */
export function answerQuestions<Question, Answer>(
  answerTo: (question: Question) => Answer | Promise<Answer>,
): void {
  const scope = self as unknown as {
    onmessage: (event: MessageEvent<Question>) => Promise<void>;
    postMessage(answer: Answer): void;
  };
  scope.onmessage = async ({ data: question }) => scope.postMessage(await answerTo(question));
}
