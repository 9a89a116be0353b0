/**
 * MEMORY DOCTOR: what is conspicuous about the server's memory, in sentences.
 *
 * @module
 */

import type { MemoryFigures } from "../info/memory_figures.ts";
import { humanBytes, percent, ratioOf } from "../info/section.ts";
import { placementFindings, type PlacementSigns } from "./placement_doctor.ts";

/** Below this much data every ratio is noise. */
const USED_MIN_BYTES = 5 * 1024 * 1024;
/** Less than this is not worth a word, whatever the ratio. */
const WASTE_MIN_BYTES = 10 * 1024 * 1024;
const PEAK_RATIO_MAX = 1.5;
const FRAGMENTATION_RATIO_MAX = 1.1;
const DIRTY_RATIO_MAX = 1.1;
/** The program and its JavaScript heaps take some 60 to 150 MB even when idle. */
const OUTSIDE_MIN_BYTES = 256 * 1024 * 1024;
const CLIENT_BYTES_MAX = 200 * 1024;
const REMOTE_RATIO_MAX = 0.25;
const ACCESSES_MIN = 100_000;

/** What the doctor is told, besides the memory figures. */
export interface Anamnesis {
  /** The server's memory now. */
  readonly figures: MemoryFigures;
  /** Clients connected. */
  readonly clientCount: number;
  /** Accesses to keys on the worker's own node. */
  readonly localAccesses: number;
  /** Accesses to keys on other nodes. */
  readonly remoteAccesses: number;
  /** Nodes of the machine. */
  readonly nodeCount: number;
  /** Why memory is not bound to nodes; null when it is. */
  readonly plainMemoryReason: string | null;
  /** `maxmemory`; 0 for no limit. */
  readonly maxmemoryBytes: number;
  /** What is conspicuous about placement. */
  readonly placement: PlacementSigns;
}

/** The findings, one paragraph each; or one that says that there are none. Ends with a line end. */
export function diagnose(anamnesis: Anamnesis): string {
  const { usedBytes } = anamnesis.figures;
  if (usedBytes < USED_MIN_BYTES) {
    return `There is too little data to judge: ${humanBytes(usedBytes)} in use. Ask again when ` +
      `there are at least ${humanBytes(USED_MIN_BYTES)}.\n`;
  }
  const findings = [
    ...heapFindings(anamnesis),
    ...surroundingFindings(anamnesis),
    ...placementFindings(anamnesis.placement),
  ];
  if (findings.length === 0) return "Nothing conspicuous about this server's memory.\n";
  return findings.map((finding) => `* ${finding}\n`).join("\n");
}

function heapFindings({ figures, maxmemoryBytes }: Anamnesis): string[] {
  const { usedBytes, activeBytes, committedBytes, peakBytes } = figures;
  const findings: string[] = [];
  if (maxmemoryBytes > 0 && usedBytes > maxmemoryBytes) {
    findings.push(
      `Limit: ${humanBytes(usedBytes)} are in use, more than maxmemory allows ` +
        `(${humanBytes(maxmemoryBytes)}). Writes are refused until keys are deleted.`,
    );
  }
  if (peakBytes > usedBytes * PEAK_RATIO_MAX && peakBytes - usedBytes > WASTE_MIN_BYTES) {
    findings.push(
      `Peak: memory in use was ${humanBytes(peakBytes)} once and is ${
        humanBytes(usedBytes)
      } now. ` +
        "The resident memory follows slowly; MEMORY PURGE gives freed pages back at once.",
    );
  }
  const holesBytes = activeBytes - usedBytes;
  if (activeBytes > usedBytes * FRAGMENTATION_RATIO_MAX && holesBytes > WASTE_MIN_BYTES) {
    findings.push(
      `Holes: ${percent(holesBytes, activeBytes)} of the spans are free blocks between used ones ` +
        `(${humanBytes(holesBytes)}). New values of similar length will fill them; MEMORY ` +
        "MALLOC-STATS shows in which size classes they are.",
    );
  }
  const dirtyBytes = committedBytes - activeBytes;
  if (committedBytes > activeBytes * DIRTY_RATIO_MAX && dirtyBytes > WASTE_MIN_BYTES) {
    findings.push(
      `Freed pages: ${
        humanBytes(dirtyBytes)
      } are free and not yet given back to the kernel. That ` +
        "happens little by little in the background, or at once with MEMORY PURGE.",
    );
  }
  return findings;
}

function surroundingFindings(anamnesis: Anamnesis): string[] {
  const { figures, clientCount, localAccesses, remoteAccesses, nodeCount } = anamnesis;
  const findings: string[] = [];
  const outsideBytes = figures.residentBytes - figures.committedBytes;
  if (outsideBytes > Math.max(OUTSIDE_MIN_BYTES, figures.committedBytes / 2)) {
    findings.push(
      `Outside of the heap: ${humanBytes(outsideBytes)} of the process are neither keys nor ` +
        "values but JavaScript heaps, buffers of clients and the program. Many connections or " +
        "very long commands do that.",
    );
  }
  const bytesPerClient = ratioOf(figures.clientsBytes, clientCount);
  if (bytesPerClient > CLIENT_BYTES_MAX) {
    findings.push(
      `Clients: ${humanBytes(Math.round(bytesPerClient))} of buffers per client on average. ` +
        "CLIENT LIST shows whose (qbuf and omem); somebody sends long commands or does not read " +
        "its replies.",
    );
  }
  const accesses = localAccesses + remoteAccesses;
  if (accesses >= ACCESSES_MIN && remoteAccesses > accesses * REMOTE_RATIO_MAX) {
    findings.push(
      `Distance: ${percent(remoteAccesses, accesses)} of the accesses went to another node's ` +
        "memory. INFO numa shows which workers they are of, NUMA STRATEGY LIST whether a " +
        "strategy brings keys to their users.",
    );
  }
  if (nodeCount > 1 && anamnesis.plainMemoryReason !== null) {
    findings.push(
      `Nodes: the machine has ${nodeCount}, but memory is not bound to them: ` +
        `${anamnesis.plainMemoryReason}.`,
    );
  }
  return findings;
}
