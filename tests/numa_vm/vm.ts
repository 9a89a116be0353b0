/**
 * A virtual machine with three NUMA nodes, under software emulation: nodes 0 and 1 with a CPU each,
 * node 2 memory only, as CXL memory appears. It boots, runs one script of the project, and is gone.
 *
 * ```text
 *            node 0   node 1   node 2      memory    CPU
 *   node 0       10       20       40       1 GiB      0
 *   node 1       20       10       40       1 GiB      1
 *   node 2       40       40       10     256 MiB      -
 * ```
 *
 * @module
 */

import type { Peer } from "../support/peers.ts";
import { buildInitramfs, EXIT_MARK } from "./initramfs.ts";

/** What the machine needs from the host. */
export const VM_PEERS: readonly Peer[] = [
  "qemu-system-x86",
  "linux-image-amd64",
  "busybox-static",
  "cpio",
  "numactl",
  "libnuma1",
];

/** What to run in the guest. */
export interface VmRun {
  /** Path of a script inside the project, such as `tests/numa_vm/guest/main.ts`. */
  entry: string;
  /** Its arguments; none unless told. */
  arguments?: readonly string[];
  /** The machine is killed after this many milliseconds; 900,000 unless told. */
  timeoutMs?: number;
}

/** What came of it. */
export interface VmResult {
  /** What the script wrote to standard output and standard error, in order. */
  output: string;
  /** Its exit code. */
  exitCode: number;
}

/** All checks take 143 s on two cores with a load of 6: this ends what hangs, not what is slow. */
const TIMEOUT_MS_USUAL = 900_000;

const NODE_MEMORY = ["1G", "1G", "256M"];
const MEMORY = "2304M";
const CPU_NODES = [0, 1];
const DISTANCES = [[0, 1, 20], [0, 2, 40], [1, 2, 40]];

const KERNEL_FOLDER = "/boot";
const KERNEL_PARAMETERS = "console=ttyS0 quiet panic=-1 random.trust_cpu=on";

/**
 * Boots the machine, runs the script, and returns its output. About 10 s for the boot.
 *
 * @throws Error with the guest's console when it does not end in time or never runs the script.
 */
export async function runInVm(vmRun: VmRun): Promise<VmResult> {
  const folder = Deno.makeTempDirSync({ prefix: "numaris-vm-" });
  try {
    const archive = await buildInitramfs(folder, vmRun.entry, vmRun.arguments ?? []);
    const outputPath = `${folder}/output`;
    const console = await boot(archive, outputPath, vmRun.timeoutMs ?? TIMEOUT_MS_USUAL);
    return parseOutput(Deno.readTextFileSync(outputPath), console);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Runs the machine until it powers off or is killed. Returns the text of its console. */
async function boot(archive: string, outputPath: string, timeoutMs: number): Promise<string> {
  const qemu = new Deno.Command("qemu-system-x86_64", {
    args: [
      ...machineArguments(),
      ...["-kernel", newestKernel(), "-initrd", archive, "-append", KERNEL_PARAMETERS],
      ...["-serial", "stdio", "-serial", `file:${outputPath}`],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let verdict = "";
  const timer = setTimeout(() => {
    verdict = `(killed: it did not end within ${timeoutMs} ms)\n`;
    qemu.kill("SIGKILL");
  }, timeoutMs);
  try {
    const { stdout, stderr } = await qemu.output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) + verdict;
  } finally {
    clearTimeout(timer);
  }
}

function machineArguments(): string[] {
  const words = ["-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max"];
  words.push("-smp", `${CPU_NODES.length},sockets=${CPU_NODES.length}`, "-m", MEMORY);
  words.push("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot");
  NODE_MEMORY.forEach((memory, node) => {
    const cpu = CPU_NODES.includes(node) ? `cpus=${node},` : "";
    words.push("-object", `memory-backend-ram,id=m${node},size=${memory}`);
    words.push("-numa", `node,nodeid=${node},${cpu}memdev=m${node}`);
  });
  for (const [from, to, distance] of DISTANCES) {
    words.push("-numa", `dist,src=${from},dst=${to},val=${distance}`);
  }
  return words;
}

function newestKernel(): string {
  const kernels = Array.from(Deno.readDirSync(KERNEL_FOLDER), (entry) => entry.name)
    .filter((name) => name.startsWith("vmlinuz-"))
    .sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
  return `${KERNEL_FOLDER}/${kernels[kernels.length - 1]}`;
}

/** Separates the script's output from the mark with its exit code. */
function parseOutput(written: string, console: string): VmResult {
  const text = written.replaceAll("\r\n", "\n");
  const markAt = text.lastIndexOf(EXIT_MARK);
  if (markAt < 0) {
    throw new Error(`Cannot get a result from the virtual machine: it wrote\n${text}${console}`);
  }
  return {
    output: text.slice(0, markAt),
    exitCode: Number(text.slice(markAt + EXIT_MARK.length)),
  };
}
