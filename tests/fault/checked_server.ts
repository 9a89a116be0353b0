/**
 * A server whose heap a test can have checked: the first argument is the port for that, the rest
 * are its flags. Run as a process of its own, by `startChecked`.
 *
 * @module
 */

import { main } from "../../server/main.ts";

const [checkPort, ...flags] = Deno.args;
const workerModule = new URL(`./checked_worker.ts?checkPort=${checkPort}`, import.meta.url);
await main(flags, { workerModule });
