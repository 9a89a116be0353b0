/**
 * INFO server: which program this is and since when it runs.
 *
 * @module
 */

import { type HostFacts, hostFacts } from "../../ffi/mod.ts";
import { toByteText } from "../config/byte_text.ts";
import type { WorkerContext } from "../context.ts";
import { Crc64 } from "../rdb/crc64.ts";
import type { InfoField } from "./section.ts";

const MS_PER_SECOND = 1000;
const SECONDS_PER_DAY = 86_400;
const LRU_CLOCK_MASK = 0xffffff;

/** Read once: it does not change. */
let host: HostFacts | undefined;

/** Identity, build, clock and files of the server. */
export function serverSection(context: WorkerContext): InfoField[] {
  const { facts, config, clock } = context;
  host ??= hostFacts();
  const nowMs = clock.nowMs();
  const uptimeSeconds = Math.max(0, Math.floor((nowMs - facts.startedAtMs) / MS_PER_SECOND));
  return [
    ["redis_version", facts.redisVersion],
    ["redis_git_sha1", "00000000"],
    ["redis_git_dirty", 0],
    ["redis_build_id", buildId(facts.version)],
    ["redis_mode", "standalone"],
    ["os", `${host.system} ${host.release} ${host.machine}`],
    ["arch_bits", 64],
    ["monotonic_clock", "performance.now"],
    ["multiplexing_api", "deno"],
    ["atomicvar_api", "javascript-atomics"],
    ["gcc_version", "0.0.0"],
    ["process_id", facts.processId],
    ["process_supervised", "no"],
    ["run_id", facts.runId],
    ["tcp_port", config.port],
    ["server_time_usec", Math.floor(clock.nowUs())],
    ["uptime_in_seconds", uptimeSeconds],
    ["uptime_in_days", Math.floor(uptimeSeconds / SECONDS_PER_DAY)],
    ["hz", config.hz],
    ["configured_hz", config.hz],
    ["lru_clock", Math.floor(nowMs / MS_PER_SECOND) & LRU_CLOCK_MASK],
    ["executable", toByteText(facts.executable)],
    ["config_file", toByteText(facts.configFile)],
    ["io_threads_active", 0],
    ["numaris_version", facts.version],
    ["deno_version", Deno.version.deno],
    ["v8_version", Deno.version.v8],
  ];
}

/** 16 hexadecimal digits that differ between programs, as Redis's build id does. */
function buildId(version: string): string {
  const text = new TextEncoder().encode(`numaris ${version} on deno ${Deno.version.deno}`);
  const sum = new Crc64();
  sum.update(text, 0, text.length);
  const half = (word: number) => (word >>> 0).toString(16).padStart(8, "0");
  return half(sum.high) + half(sum.low);
}
