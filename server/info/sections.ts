/**
 * All sections of INFO in the order in which they are shown, and which words select which.
 *
 * @module
 */

import type { WorkerContext } from "../context.ts";
import { clientsSection } from "./clients.ts";
import { commandStatisticsSection, errorStatisticsSection } from "./commands.ts";
import { cpuSection } from "./cpu.ts";
import { keyspaceSection } from "./keyspace.ts";
import { memorySection } from "./memory.ts";
import { numaSection } from "./numa.ts";
import { persistenceSection } from "./persistence.ts";
import { replicationSection } from "./replication.ts";
import type { InfoSection } from "./section.ts";
import { serverSection } from "./server.ts";
import { statsSection } from "./stats.ts";

interface NamedSection {
  /** As INFO prints it; its lower case selects it. */
  readonly title: string;
  /** Whether INFO without arguments, or with `default`, shows it. */
  readonly isDefault: boolean;
  readonly fields: InfoSection;
}

const SECTIONS: readonly NamedSection[] = [
  { title: "Server", isDefault: true, fields: serverSection },
  { title: "Clients", isDefault: true, fields: clientsSection },
  { title: "Memory", isDefault: true, fields: memorySection },
  { title: "Persistence", isDefault: true, fields: persistenceSection },
  { title: "Stats", isDefault: true, fields: statsSection },
  { title: "Replication", isDefault: true, fields: replicationSection },
  { title: "CPU", isDefault: true, fields: cpuSection },
  { title: "Modules", isDefault: true, fields: () => [] },
  { title: "Commandstats", isDefault: false, fields: commandStatisticsSection },
  { title: "Errorstats", isDefault: true, fields: errorStatisticsSection },
  // Empty, as in a Redis with `latency-tracking no`: latencies are not recorded per command.
  { title: "Latencystats", isDefault: false, fields: () => [] },
  { title: "Cluster", isDefault: true, fields: () => [["cluster_enabled", 0]] },
  { title: "Keyspace", isDefault: true, fields: keyspaceSection },
  { title: "Numa", isDefault: true, fields: numaSection },
];

const ALL_SECTIONS = (1 << SECTIONS.length) - 1;
const DEFAULT_SECTIONS = SECTIONS.reduce(
  (bits, section, index) => section.isDefault ? bits | (1 << index) : bits,
  0,
);

/** A set of sections, one bit each. */
export type SectionSet = number;

/** The sections that a word selects, in any case: a title, `default`, `all`, `everything`. */
export function sectionsNamed(word: string): SectionSet {
  const name = word.toLowerCase();
  if (name === "default") return DEFAULT_SECTIONS;
  if (name === "all" || name === "everything") return ALL_SECTIONS;
  const index = SECTIONS.findIndex((section) => section.title.toLowerCase() === name);
  return index < 0 ? 0 : 1 << index;
}

/** The text of the sections in `selected`; empty for an empty set. Byte text. */
export function infoText(context: WorkerContext, selected: SectionSet): string {
  let text = "";
  for (let index = 0; index < SECTIONS.length; index++) {
    if ((selected & (1 << index)) === 0) continue;
    if (text !== "") text += "\r\n";
    text += `# ${SECTIONS[index].title}\r\n`;
    for (const [name, value] of SECTIONS[index].fields(context)) text += `${name}:${value}\r\n`;
  }
  return text;
}
