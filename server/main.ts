/**
 * The supervisor's main: from the command line to a server that accepts connections, and back down.
 *
 * The main thread serves no client. It decides where everything goes, creates what the workers
 * share, starts them, and from then on owns the signals and the control plane's hub.
 *
 * @module
 */

import { createHeapLayout, Heap, plainMemory } from "../engine/mod.ts";
import {
  NumaError,
  raiseOpenFileLimit,
  readTopology,
  SharedMemory,
  type Topology,
} from "../ffi/mod.ts";
import { fromByteText } from "./config/byte_text.ts";
import { parseCommandLine } from "./config/command_line.ts";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config_file.ts";
import type { ShutdownOptions } from "./control_plane.ts";
import { type ListenAddress, probeAddresses } from "./listen_addresses.ts";
import { createLogSink } from "./log_sink.ts";
import { Logger } from "./logger.ts";
import { kernelFindings } from "./numa/kernel_settings.ts";
import { type Placement, placeWorkers, withoutNodes } from "./placement.ts";
import { createRunId, NUMARIS_VERSION, REDIS_VERSION, type ServerFacts } from "./server_facts.ts";
import { COMMAND_COUNT_MAX, SharedState } from "./shared_state.ts";
import { StartupError } from "./startup_error.ts";
import { reportPlacement, reportTopology } from "./startup_report.ts";
import { Supervisor } from "./supervisor.ts";
import type { WorkerStart } from "./worker_messages.ts";

/** Files that the process opens besides its clients' sockets: log, listeners, the runtime's own. */
const RESERVED_FILES = 32;
const RESERVED_FILES_PER_WORKER = 16;

/** What a test may replace. */
export interface MainOptions {
  /** The module that a worker runs. */
  readonly workerModule?: URL;
  /**
   * Told what each worker is given, before the first one starts: a test attaches to the same heap
   * with it and looks from outside.
   */
  readonly onStart?: (starts: readonly WorkerStart[]) => void;
  /** A machine to run on as if it were this one; memory is then bound to nothing. */
  readonly topology?: Topology;
}

/**
 * Runs the server that `argv` (the arguments after the program's name) asks for. Settles when the
 * server accepts connections; ends the process with code 1 when it cannot start, after one clear
 * message, and with code 0 after `--help` and `--version`.
 */
export async function main(argv: readonly string[], options: MainOptions = {}): Promise<void> {
  const config = readCommandLine(argv);
  const log = new Logger(config.loglevel, "M", openLog(config));
  try {
    await new Server(config, log).start(options);
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    for (const line of error.lines) log.warning(line);
    Deno.exit(1);
  }
}

function readCommandLine(argv: readonly string[]): Config {
  try {
    const commandLine = parseCommandLine(argv);
    if (commandLine.kind === "serve") return commandLine.config;
    console.log(commandLine.text);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
  Deno.exit(0);
}

function openLog(config: Config): (line: string) => void {
  const path = fromByteText(config.logfile);
  try {
    if (path !== "") Deno.openSync(path, { append: true, create: true }).close();
    return createLogSink(path);
  } catch (error) {
    console.error(`Can't open the log file: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}

/** One server, from start to end. */
class Server {
  readonly #config: Config;
  readonly #log: Logger;
  readonly #unixsocket: string;
  #supervisor: Supervisor | null = null;
  #shared: SharedState | null = null;

  constructor(config: Config, log: Logger) {
    this.#config = config;
    this.#log = log;
    this.#unixsocket = fromByteText(config.unixsocket);
  }

  async start(options: MainOptions): Promise<void> {
    const config = this.#config;
    const log = this.#log;
    this.#announce();
    const topology = options.topology ?? readTopology();
    reportTopology(log, topology);
    const wanted = placeWorkers(
      topology,
      config.workers,
      config.numaEnabled,
      config.numaDefaultNode,
    );
    this.#warnOfKernel(topology.nodes.length);
    this.#warnOfDefaultNode(wanted);
    this.#adjustOpenFileLimit(wanted.workers.length);
    const addresses = this.#findAddresses();
    const { heap, placement } = createHeap(
      config,
      wanted,
      options.topology !== undefined,
    );
    reportPlacement(log, placement, heap.layout);
    this.#shared = SharedState.create(placement.workers.length, COMMAND_COUNT_MAX);
    const starts = this.#describeWorkers(heap, placement, topology, addresses, this.#shared.buffer);
    options.onStart?.(starts);
    this.#supervisor = new Supervisor(
      options.workerModule ?? new URL("./worker.ts", import.meta.url),
      starts,
      {
        onShutdown: (wishes) => this.#shutDown(wishes),
        onDeath: (workerIndex, report) => this.#abort(workerIndex, report),
      },
    );
    this.#handleSignals();
    await this.#supervisor.untilReady();
    if (this.#unixsocket !== "") {
      log.notice(`The server is now ready to accept connections at ${this.#unixsocket}`);
    }
    log.notice("Ready to accept connections");
  }

  #announce(): void {
    const log = this.#log;
    const config = this.#config;
    log.notice(
      `Numaris version=${NUMARIS_VERSION}, Redis version=${REDIS_VERSION}, ` +
        `Deno version=${Deno.version.deno}, pid=${Deno.pid}, just started`,
    );
    if (config.configFile === "") log.notice("No configuration file: defaults and flags");
    else log.notice(`Configuration loaded from ${fromByteText(config.configFile)}`);
    log.notice(`Running mode=standalone, port=${config.port}.`);
  }

  #warnOfKernel(nodeCount: number): void {
    for (const { problem, remedy } of kernelFindings(nodeCount)) {
      this.#log.warning(`WARNING ${problem}. To change it, as root: ${remedy}`);
    }
  }

  #warnOfDefaultNode(placement: Placement): void {
    const { numaDefaultNode } = this.#config;
    if (numaDefaultNode < 0 || placement.workers[0].nodeId === numaDefaultNode) return;
    this.#log.warning(`numa-default-node: node ${numaDefaultNode} has no CPUs that we may use`);
  }

  /** As redis-server: lowers `maxclients` when the system grants too few open files. */
  #adjustOpenFileLimit(workerCount: number): void {
    const config = this.#config;
    const reserved = RESERVED_FILES + workerCount * RESERVED_FILES_PER_WORKER;
    const wanted = config.maxclients + reserved;
    const granted = raiseOpenFileLimit(wanted);
    if (granted >= wanted) return;
    const maxclients = granted - reserved;
    if (maxclients < 1) {
      throw new StartupError([
        `The limit of ${granted} open files is not enough for the server to start: ` +
        `it needs ${reserved + 1} or more. Exiting.`,
      ]);
    }
    this.#log.warning(
      `maxclients of ${config.maxclients} needs ${wanted} open files, the system grants ` +
        `${granted}: maxclients is now ${maxclients}. Raise 'ulimit -n' for more.`,
    );
    config.assign("maxclients", [String(maxclients)]);
  }

  #findAddresses(): ListenAddress[] {
    const { bind, port } = this.#config;
    const addresses = port === 0
      ? []
      : probeAddresses(bind, port, (message) => this.#log.warning(message));
    if (addresses.length === 0 && this.#unixsocket === "") {
      throw new StartupError(["Configured to not listen anywhere, exiting."]);
    }
    return addresses;
  }

  #describeWorkers(
    heap: Heap,
    placement: Placement,
    topology: Topology,
    addresses: readonly ListenAddress[],
    sharedState: SharedArrayBuffer,
  ): WorkerStart[] {
    const config = this.#config.snapshot();
    const { plainMemoryReason, workers } = placement;
    const facts: ServerFacts = {
      version: NUMARIS_VERSION,
      redisVersion: REDIS_VERSION,
      runId: createRunId(),
      processId: Deno.pid,
      startedAtMs: Date.now(),
      topology,
      memoryMode: plainMemoryReason === null ? "bound" : "plain",
      plainMemoryReason,
      workers,
      configFile: this.#config.configFile,
      executable: executablePath(),
    };
    const [seed0, seed1] = crypto.getRandomValues(new Uint32Array(2));
    return workers.map((_, workerIndex) => ({
      workerIndex,
      config,
      facts,
      heapBuffer: heap.buffer,
      heapLayout: heap.layout,
      sharedState,
      hashSeeds: [seed0, seed1],
      nodeOrder: placement.nodeOrders[workerIndex],
      addresses,
    }));
  }

  #handleSignals(): void {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      Deno.addSignalListener(signal, () => {
        if (signal === "SIGINT" && this.#shared?.shuttingDown) {
          this.#log.warning("You insist... exiting now.");
          this.#exit(1);
        }
        this.#log.warning(`Received ${signal} scheduling shutdown...`);
        this.#shutDown({ reason: "User requested shutdown...", now: false });
      });
    }
  }

  async #shutDown(wishes: ShutdownOptions): Promise<void> {
    const shared = this.#shared;
    const supervisor = this.#supervisor;
    if (shared === null || supervisor === null || !shared.beginShutdown()) return;
    this.#log.warning(wishes.reason);
    const problem = await supervisor.drain(wishes.now);
    if (problem !== null) this.#log.warning(`Not all replies were sent: ${problem}`);
    this.#exit(0);
  }

  #abort(workerIndex: number, report: string): void {
    this.#log.warning(`Worker ${workerIndex} died: ${report}`);
    this.#log.warning("The server cannot go on without one of its workers, exiting.");
    this.#exit(1);
  }

  #exit(code: number): never {
    if (this.#unixsocket !== "" && this.#supervisor !== null) {
      this.#log.notice("Removing the unix socket file.");
      try {
        Deno.removeSync(this.#unixsocket);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) {
          this.#log.warning(`Cannot remove the unix socket file: ${error}`);
        }
      }
    }
    if (code === 0) this.#log.warning("Numaris is now ready to exit, bye bye...");
    Deno.exit(code);
  }
}

/** The heap on the placement's nodes; on one, with the reason, when the kernel refuses to bind. */
function createHeap(
  config: Config,
  wanted: Placement,
  isUnbound: boolean,
): { heap: Heap; placement: Placement } {
  const openMemory = isUnbound
    ? plainMemory
    : (buffer: SharedArrayBuffer) => new SharedMemory(buffer);
  const create = (placement: Placement) => {
    const layout = createHeapLayout({ shardCount: config.shards, nodeIds: placement.nodeIds });
    return { heap: Heap.create(layout, openMemory), placement };
  };
  try {
    return create(wanted);
  } catch (error) {
    if (error instanceof NumaError) return create(withoutNodes(wanted, error.message));
    if (error instanceof RangeError) throw new StartupError([error.message]);
    throw error;
  }
}

/** Path of the program; its name where the permissions hide the path. */
function executablePath(): string {
  try {
    return Deno.execPath();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return "deno";
    throw error;
  }
}
