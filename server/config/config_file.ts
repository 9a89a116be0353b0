/**
 * Reads configuration text in the form of redis.conf: one directive per line, words as
 * `splitArguments` takes them apart, lines that begin with `#` ignored, `include` with wildcards.
 *
 * @module
 */

import { globMatches } from "../glob.ts";
import { NUMARIS_VERSION } from "../server_facts.ts";
import { bytesToByteText, byteTextToBytes, fromByteText, toByteText } from "./byte_text.ts";
import type { Config } from "./config.ts";
import { type ConfigFileSystem, reasonOf } from "./file_system.ts";
import { splitArguments } from "./split_arguments.ts";
import { InvalidValue } from "./values.ts";

/** A configuration that the server cannot start with; the message is complete and has no colour. */
export class ConfigError extends Error {
  /** Tells this error from others where only the name is left, as in logs. */
  override name = "ConfigError";
}

/** Text to read, and where it comes from. */
export interface ConfigSource {
  /** As messages say it after "Reading ": `the configuration file /etc/numaris.conf`. */
  readonly origin: string;
  /** Whether people know its lines by their numbers. */
  readonly isNumbered: boolean;
  /** Byte text. */
  readonly text: string;
}

/** Files that may include one another, one inside the other. */
const INCLUDE_DEPTH_MAX = 16;
const WILDCARD = /[*?[]/;
const SURROUNDING_BLANKS = /^[ \t\r]+|[ \t\r]+$/g;

/**
 * Applies every directive of `source` to `config`, in order.
 *
 * @throws ConfigError that names source, line and reason; the lines before have been applied.
 */
export function loadConfig(config: Config, source: ConfigSource, files: ConfigFileSystem): void {
  loadNested(config, source, files, 0);
}

/** The file at `path` as a source. What `files.readFile` throws goes through. */
export function fileSource(path: string, files: ConfigFileSystem): ConfigSource {
  return {
    origin: `the configuration file ${path}`,
    isNumbered: true,
    text: bytesToByteText(files.readFile(path)),
  };
}

/** A line as the loader takes it: without the blanks around it. */
export function trimLine(line: string): string {
  return line.replace(SURROUNDING_BLANKS, "");
}

function loadNested(
  config: Config,
  source: ConfigSource,
  files: ConfigFileSystem,
  depth: number,
): void {
  const lines = source.text.split("\n").map(trimLine);
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index];
    if (line === "" || line.startsWith("#")) continue;
    try {
      applyLine(config, line, files, depth);
    } catch (error) {
      if (error instanceof InvalidValue) throw fatal(source, index, line, error.message);
      throw error;
    }
  }
}

function applyLine(config: Config, line: string, files: ConfigFileSystem, depth: number): void {
  const words = splitArguments(line);
  if (words === null) throw new InvalidValue("Unbalanced quotes in configuration line");
  if (words.length === 0) return;
  const [name, ...values] = words;
  const directive = name.toLowerCase();
  if (directive === "include" && values.length === 1) {
    include(config, fromByteText(values[0]), files, depth + 1);
    return;
  }
  if (directive === "dir" && values.length === 1) {
    enterDirectory(config, fromByteText(values[0]), files);
    return;
  }
  if (!config.assign(directive, values)) {
    throw new InvalidValue("Bad directive or wrong number of arguments");
  }
}

function enterDirectory(config: Config, path: string, files: ConfigFileSystem): void {
  try {
    config.assign("dir", [toByteText(files.enterDirectory(path))]);
  } catch (error) {
    throw new InvalidValue(reasonOf(error));
  }
}

/** Reads the files that `pattern` names: one that must exist, or those that match, maybe none. */
function include(config: Config, pattern: string, files: ConfigFileSystem, depth: number): void {
  if (depth > INCLUDE_DEPTH_MAX) {
    throw new InvalidValue(`more than ${INCLUDE_DEPTH_MAX} files include one another`);
  }
  const paths = WILDCARD.test(pattern) ? matchingPaths(pattern, files) : [pattern];
  for (const path of paths) {
    loadNested(config, readIncluded(path, files), files, depth);
  }
}

function readIncluded(path: string, files: ConfigFileSystem): ConfigSource {
  try {
    return fileSource(path, files);
  } catch (error) {
    throw new InvalidValue(`can't open config file '${path}': ${reasonOf(error)}`);
  }
}

/**
 * The paths that match a pattern as the shell's do: in order, wildcards neither cross a `/` nor
 * match a dot at the beginning of a name.
 */
function matchingPaths(pattern: string, files: ConfigFileSystem): string[] {
  const isAbsolute = pattern.startsWith("/");
  let paths = [isAbsolute ? "/" : ""];
  for (const part of pattern.split("/")) {
    if (part === "") continue;
    paths = paths.flatMap((folder) => {
      const prefix = folder === "" || folder.endsWith("/") ? folder : `${folder}/`;
      if (!WILDCARD.test(part)) return [prefix + part];
      return namesIn(prefix === "" ? "." : prefix, files)
        .filter((name) => nameMatches(part, name))
        .sort()
        .map((name) => prefix + name);
    });
  }
  return paths;
}

function namesIn(folder: string, files: ConfigFileSystem): string[] {
  try {
    return files.listDirectory(folder);
  } catch {
    // No folder, or none that may be read: nothing in it matches, and that is no error.
    return [];
  }
}

function nameMatches(pattern: string, name: string): boolean {
  if (name.startsWith(".") && !pattern.startsWith(".")) return false;
  const patternBytes = byteTextToBytes(toByteText(pattern));
  const nameBytes = byteTextToBytes(toByteText(name));
  return globMatches(patternBytes, 0, patternBytes.length, nameBytes, 0, nameBytes.length, false);
}

function fatal(source: ConfigSource, index: number, line: string, reason: string): ConfigError {
  const place = source.isNumbered ? `${source.origin}, at line ${index + 1}` : source.origin;
  return new ConfigError([
    `*** FATAL CONFIG FILE ERROR (Numaris ${NUMARIS_VERSION}) ***`,
    `Reading ${place}`,
    `>>> '${fromByteText(line)}'`,
    reason,
  ].join("\n"));
}
