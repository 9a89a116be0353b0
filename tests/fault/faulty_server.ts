/**
 * A server whose workers fail in the way that the first argument names; the rest are its flags. Run
 * by `worker_death.test.ts` as a process of its own.
 *
 * @module
 */

import { main } from "../../server/main.ts";

const [fault, ...flags] = Deno.args;
const workerModule = new URL(`./faulty_worker.ts?fault=${fault}`, import.meta.url);
await main(flags, { workerModule });
