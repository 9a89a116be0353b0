/**
 * INFO memory. `used_memory` is what the allocator handed out, and what `maxmemory` limits. The
 * JavaScript heaps (`used_memory_runtime`) and the program (`used_memory_program`) come on top:
 * with `allocator_frag_bytes` and `allocator_rss_bytes` they make up `used_memory_rss`.
 *
 * @module
 */

import { memoryInfo } from "../../ffi/mod.ts";
import type { WorkerContext } from "../context.ts";
import { COUNTER_LAZY_FREED_KEYS } from "../shared_state.ts";
import { readMemoryFigures } from "./memory_figures.ts";
import { humanBytes, type InfoField, percent, ratio } from "./section.ts";

/** The machine's memory: read once, since that takes longer than all the rest. */
let systemBytes: number | undefined;

/** Memory of the keyspace, the allocator, the process and the machine. */
export function memorySection(context: WorkerContext): InfoField[] {
  const { config, facts } = context;
  const figures = readMemoryFigures(context);
  const { usedBytes, activeBytes, committedBytes, residentBytes, peakBytes } = figures;
  const datasetBytes = usedBytes - figures.tablesBytes;
  systemBytes ??= memoryInfo().totalBytes;
  return [
    ["used_memory", usedBytes],
    ["used_memory_human", humanBytes(usedBytes)],
    ["used_memory_rss", residentBytes],
    ["used_memory_rss_human", humanBytes(residentBytes)],
    ["used_memory_peak", peakBytes],
    ["used_memory_peak_human", humanBytes(peakBytes)],
    ["used_memory_peak_perc", percent(usedBytes, peakBytes)],
    ["used_memory_overhead", figures.tablesBytes],
    ["used_memory_startup", 0],
    ["used_memory_dataset", datasetBytes],
    ["used_memory_dataset_perc", percent(datasetBytes, usedBytes)],
    ["allocator_allocated", usedBytes],
    ["allocator_active", activeBytes],
    ["allocator_resident", committedBytes],
    ["total_system_memory", systemBytes],
    ["total_system_memory_human", humanBytes(systemBytes)],
    ...scriptFields(),
    ["maxmemory", config.maxmemoryBytes],
    ["maxmemory_human", humanBytes(config.maxmemoryBytes)],
    ["maxmemory_policy", config.maxmemoryPolicy],
    ["allocator_frag_ratio", ratio(activeBytes, usedBytes)],
    ["allocator_frag_bytes", activeBytes - usedBytes],
    ["allocator_rss_ratio", ratio(committedBytes, activeBytes)],
    ["allocator_rss_bytes", committedBytes - activeBytes],
    ["rss_overhead_ratio", ratio(residentBytes, committedBytes)],
    ["rss_overhead_bytes", residentBytes - committedBytes],
    ["mem_fragmentation_ratio", ratio(residentBytes, usedBytes)],
    ["mem_fragmentation_bytes", residentBytes - usedBytes],
    ["mem_not_counted_for_evict", 0],
    ["mem_replication_backlog", 0],
    ["mem_total_replication_buffers", 0],
    ["mem_clients_slaves", 0],
    ["mem_clients_normal", figures.clientsBytes],
    ["mem_cluster_links", 0],
    ["mem_aof_buffer", 0],
    ["mem_allocator", `numaris-${facts.version}`],
    ["active_defrag_running", 0],
    ["lazyfree_pending_objects", context.keyspace.pendingGarbage()],
    ["lazyfreed_objects", context.shared.sum(COUNTER_LAZY_FREED_KEYS)],
    ["allocator_requested", figures.requestedBytes],
    ["used_memory_runtime", figures.runtimeBytes],
    ["used_memory_runtime_human", humanBytes(figures.runtimeBytes)],
    ["used_memory_program", figures.programBytes],
    ["used_memory_program_human", humanBytes(figures.programBytes)],
  ];
}

/** Scripts and functions, of which there are none. */
function scriptFields(): InfoField[] {
  return [
    ["used_memory_lua", 0],
    ["used_memory_vm_eval", 0],
    ["used_memory_lua_human", "0B"],
    ["used_memory_scripts_eval", 0],
    ["number_of_cached_scripts", 0],
    ["number_of_functions", 0],
    ["number_of_libraries", 0],
    ["used_memory_vm_functions", 0],
    ["used_memory_vm_total", 0],
    ["used_memory_vm_total_human", "0B"],
    ["used_memory_functions", 0],
    ["used_memory_scripts", 0],
    ["used_memory_scripts_human", "0B"],
  ];
}
