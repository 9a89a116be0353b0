/**
 * INFO cpu: processor time of the process; "main thread" is the worker that answers.
 *
 * @module
 */

import { cpuTimes } from "../../ffi/mod.ts";
import type { InfoField } from "./section.ts";

const DECIMALS = 6;

/** Seconds of processor time, to the microsecond. */
export function cpuSection(): InfoField[] {
  const { self, children, thread } = cpuTimes();
  return [
    ["used_cpu_sys", self.systemSeconds.toFixed(DECIMALS)],
    ["used_cpu_user", self.userSeconds.toFixed(DECIMALS)],
    ["used_cpu_sys_children", children.systemSeconds.toFixed(DECIMALS)],
    ["used_cpu_user_children", children.userSeconds.toFixed(DECIMALS)],
    ["used_cpu_sys_main_thread", thread.systemSeconds.toFixed(DECIMALS)],
    ["used_cpu_user_main_thread", thread.userSeconds.toFixed(DECIMALS)],
  ];
}
