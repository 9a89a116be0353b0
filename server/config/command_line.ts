/**
 * Reads the command line as redis-server does: a configuration file first, `-` for standard input,
 * then `--name value…`. What comes later is stronger: defaults, environment, file, standard input,
 * flags.
 *
 * The flags become lines of a configuration file (`--port 7000` is `port "7000"`), so that both
 * take the same values and give the same errors.
 *
 * @module
 */

import { NUMARIS_VERSION, REDIS_VERSION } from "../server_facts.ts";
import { bytesToByteText, toByteText } from "./byte_text.ts";
import { Config } from "./config.ts";
import { ConfigError, type ConfigSource, fileSource, loadConfig } from "./config_file.ts";
import { denoVariable, loadEnvironment, type ReadVariable } from "./environment.ts";
import { type ConfigFileSystem, denoFileSystem, reasonOf } from "./file_system.ts";
import { helpText } from "./help_text.ts";
import { quoteArgument, splitArguments } from "./split_arguments.ts";

/** What the command line asks for. */
export type CommandLine =
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "version"; readonly text: string }
  | { readonly kind: "serve"; readonly config: Config };

/** The arguments taken apart. */
interface Parts {
  readonly kind: CommandLine["kind"];
  readonly readsStandardInput: boolean;
  /** The flags as configuration text. */
  readonly text: string;
}

/**
 * Finds out what `given`, the arguments without the program's name, ask for. Reads the files that
 * they name and enters the directory of `dir`; `config.dir` is absolute afterwards.
 *
 * @throws ConfigError when the server cannot start so; the message says all there is to say.
 */
export function parseCommandLine(
  given: readonly string[],
  files: ConfigFileSystem = denoFileSystem,
  readVariable: ReadVariable = denoVariable,
): CommandLine {
  const hasFile = given.length > 0 && !given[0].startsWith("-");
  const parts = takeApart(given, hasFile ? 1 : 0);
  if (parts.kind === "help") return { kind: "help", text: helpText() };
  if (parts.kind === "version") return { kind: "version", text: versionText() };

  const config = new Config();
  config.dir = toByteText(files.enterDirectory("."));
  loadEnvironment(config, readVariable);
  if (hasFile) {
    const path = absolutePath(given[0], files);
    config.configFile = toByteText(path);
    loadConfig(config, openSource(path, files), files);
  }
  if (parts.readsStandardInput) loadConfig(config, standardInput(files), files);
  const origin = "the command line";
  loadConfig(config, { origin, isNumbered: false, text: parts.text }, files);
  return { kind: "serve", config };
}

/** One line: the version, and that of Redis whose behaviour clients may expect. */
export function versionText(): string {
  return `Numaris server v=${NUMARIS_VERSION} redis_compat=${REDIS_VERSION} ` +
    `deno=${Deno.version.deno} v8=${Deno.version.v8} arch=${Deno.build.arch}`;
}

/** Takes apart the arguments from index `first` on. */
function takeApart(given: readonly string[], first: number): Parts {
  const lines: string[] = [];
  let readsStandardInput = false;
  /** Whether the last flag has a value, so that the next `--` begins another one. */
  let isComplete = true;
  for (let index = first; index < given.length; index++) {
    const argument = given[index];
    const isLast = index === given.length - 1;
    if (argument === "-" && (index === 0 || isLast)) {
      readsStandardInput = true;
      continue;
    }
    if (isComplete) {
      const kind = question(argument);
      if (kind !== null) return { kind, readsStandardInput, text: "" };
    }
    if (isComplete && argument.startsWith("--")) {
      lines.push(toByteText(argument.slice(2)));
      isComplete = splitArguments(argument)?.length !== 1;
      // A save without value stands for none, as people write it who build a list of arguments.
      const isBareSave = !isComplete && argument.toLowerCase() === "--save" &&
        (isLast || given[index + 1].startsWith("--"));
      if (isBareSave) {
        lines.push(`${lines.pop()} ""`);
        isComplete = true;
      }
    } else {
      lines.push([lines.pop() ?? "", quoteArgument(toByteText(argument))].join(" "));
      isComplete = true;
    }
  }
  return { kind: "serve", readsStandardInput, text: lines.join("\n") };
}

/** What an argument asks instead of starting the server; `null` for all others. */
function question(argument: string): "help" | "version" | null {
  if (argument === "--help" || argument === "-h") return "help";
  if (argument === "--version" || argument === "-v") return "version";
  return null;
}

function absolutePath(path: string, files: ConfigFileSystem): string {
  if (path.startsWith("/")) return path;
  const folder = files.enterDirectory(".");
  return `${folder === "/" ? "" : folder}/${path}`;
}

function openSource(path: string, files: ConfigFileSystem): ConfigSource {
  try {
    return fileSource(path, files);
  } catch (error) {
    throw new ConfigError(
      `Fatal error, can't open config file '${path}': ${reasonOf(error)}`,
    );
  }
}

function standardInput(files: ConfigFileSystem): ConfigSource {
  const text = bytesToByteText(files.readStandardInput());
  return { origin: "standard input", isNumbered: true, text };
}
