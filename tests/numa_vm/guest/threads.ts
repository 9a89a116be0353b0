/**
 * The threads of this process, from /proc.
 *
 * @module
 */

const TASKS = "/proc/self/task";
/** The runtime names the threads of workers `worker-<number>`, in the order of their start. */
const WORKER_NAME = /^worker-(\d+)$/;
/** Fields behind the name in `stat` (proc(5) counts from 1, and the name is field 2). */
const PROCESSOR_INDEX = 39 - 3;

/** One thread. */
export interface ThreadPlace {
  /** Rises with the thread's age. */
  number: number;
  /** CPUs that it may use, as the kernel writes them: `0-1`. */
  allowedCpus: string;
  /** The CPU that it ran on last. */
  cpu: number;
}

/** Every living worker's thread, the oldest first. */
export function workerThreads(): ThreadPlace[] {
  const threads: ThreadPlace[] = [];
  for (const { name: taskId } of Deno.readDirSync(TASKS)) {
    const name = WORKER_NAME.exec(nameOf(taskId));
    if (name !== null) threads.push(placeOf(taskId, Number(name[1])));
  }
  return threads.sort((one, other) => one.number - other.number);
}

/** A thread's name; empty when it has ended since it was listed, as those of a pool do. */
function nameOf(taskId: string): string {
  try {
    return Deno.readTextFileSync(`${TASKS}/${taskId}/comm`).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

function placeOf(taskId: string, number: number): ThreadPlace {
  const status = Deno.readTextFileSync(`${TASKS}/${taskId}/status`);
  const stat = Deno.readTextFileSync(`${TASKS}/${taskId}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    number,
    allowedCpus: /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? "",
    cpu: Number(fields[PROCESSOR_INDEX]),
  };
}
