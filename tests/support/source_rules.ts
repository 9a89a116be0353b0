/**
 * The rules of the house that a program can check: which layer may import which, and the form of a
 * source file.
 *
 * @module
 */

/** One source file, its path relative to the project's root. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Folders in the order in which imports may point: a later one may import an earlier one. */
const LAYERS = ["ffi", "engine", "strategies", "server"];
const LAYER_TOP = LAYERS.length;
/** Folders of programs that may import anything, and that nothing else may import. */
const OUTER = ["tests", "bench"];
const SKIPPED = new Set([".git", "node_modules", "coverage", "dist", "results"]);

const LINE_CHARACTERS_MAX = 100;
const FUNCTION_LINES_MAX = 70;
const FILE_LINES_MAX = 600;

const IMPORT = /^\s*(?:import|export)\b[^"'`;]*?from\s*["']([^"']+)["']|import\(\s*["']([^"']+)/gm;
const WORKER = /new URL\(\s*["'](\.[^"']+\.ts)["']\s*,\s*import\.meta\.url/g;
/** Whatever begins a block that one reads as a function: declarations, methods, arrows. */
const FUNCTION_START =
  /^(\s*)(?:export )?(?:default )?(?:static |override |private |protected |readonly )*(?:async )?(?:function\b.*|(?:get |set )?[#\w$]+(?:<.*>)?\(.*|(?:const|let) \w+ = (?:async )?\(?.*=> )\{$/;
const CONTROL = /^\s*(?:if|for|while|switch|catch|else|do|try|return|Deno\.test|peerTest)\b/;

/** Every TypeScript file below `root`, sorted by path. O(files). */
export function readSources(root: URL): SourceFile[] {
  const found: SourceFile[] = [];
  collect(root, "", found);
  return found.sort((left, right) => left.path < right.path ? -1 : 1);
}

/** What breaks a rule in `file`, one sentence each; empty when nothing does. */
export function violations(file: SourceFile): string[] {
  return [
    ...importViolations(file),
    ...nameViolations(file),
    ...lineViolations(file),
    ...functionViolations(file),
    ...wordViolations(file),
  ].map((sentence) => `${file.path}: ${sentence}`);
}

/** Imports that point from an earlier layer to a later one, or into tests and benchmarks. */
export function importViolations(file: SourceFile): string[] {
  const from = layerOf(file.path);
  if (from === null) return [];
  const found: string[] = [];
  for (const specifier of specifiersOf(file.text)) {
    if (!specifier.startsWith(".")) continue;
    const target = resolvePath(file.path, specifier);
    const to = layerOf(target);
    if (to === null) found.push(`imports ${target}, which only tests and benchmarks may`);
    else if (to > from) found.push(`imports ${target}, which is a layer above it`);
  }
  return found;
}

/**
 * Paths of the modules that `sources` start as workers: whatever they name by
 * `new URL("./….ts", import.meta.url)`, tests and benchmarks left out.
 */
export function workerModules(sources: readonly SourceFile[]): string[] {
  const paths = sources.filter((source) => layerOf(source.path) !== null).flatMap((source) =>
    [...source.text.matchAll(WORKER)].map((match) => resolvePath(source.path, match[1]))
  );
  return [...new Set(paths)].sort();
}

function collect(root: URL, folder: string, found: SourceFile[]): void {
  for (const entry of Deno.readDirSync(new URL(folder, root))) {
    if (SKIPPED.has(entry.name)) continue;
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory) collect(root, `${path}/`, found);
    else if (path.endsWith(".ts")) {
      found.push({ path, text: Deno.readTextFileSync(new URL(path, root)) });
    }
  }
}

/** Index of the layer that a path belongs to; null for what stands outside the layers. */
function layerOf(path: string): number | null {
  const [folder, ...rest] = path.split("/");
  if (rest.length === 0) return LAYER_TOP;
  if (OUTER.includes(folder)) return null;
  const index = LAYERS.indexOf(folder);
  return index < 0 ? LAYER_TOP : index;
}

function specifiersOf(text: string): string[] {
  const imports = [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2]);
  const workers = [...text.matchAll(WORKER)].map((match) => match[1]);
  return [...imports, ...workers];
}

function resolvePath(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

function nameViolations(file: SourceFile): string[] {
  return file.path.split("/").every((part) => /^_?[a-z0-9]+(_[a-z0-9]+)*(\.[a-z]+)*$/.test(part))
    ? []
    : ["its path is not in snake_case"];
}

function lineViolations(file: SourceFile): string[] {
  const lines = file.text.split("\n");
  const found: string[] = [];
  if (lines.length - 1 > FILE_LINES_MAX) found.push(`${lines.length - 1} lines: it is two things`);
  for (const [index, line] of lines.entries()) {
    const lengthCharacters = [...line].length;
    if (lengthCharacters > LINE_CHARACTERS_MAX && !/https?:|^.*\/.*\/[gimsuy]*;?$/.test(line)) {
      found.push(`line ${index + 1} has ${lengthCharacters} characters`);
    }
  }
  return found;
}

/** A function ends at the first line that closes a block at its own indentation (as formatted). */
function functionViolations(file: SourceFile): string[] {
  const lines = file.text.split("\n");
  const found: string[] = [];
  for (const [index, line] of lines.entries()) {
    const start = FUNCTION_START.exec(line);
    if (start === null || CONTROL.test(line)) continue;
    const end = lines.findIndex((other, at) => at > index && other.startsWith(`${start[1]}}`));
    const count = end - index + 1;
    if (count > FUNCTION_LINES_MAX) found.push(`line ${index + 1}: a function of ${count} lines`);
  }
  return found;
}

/** Words that must not be in a source file, spelt so that this file does not hold them itself. */
const FORBIDDEN: readonly [RegExp, string][] = [
  [new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "XX" + "X"].join("|")})\\b`), "unfinished work"],
  [new RegExp(`${"regis" + "try"}\\.|\\b${"jsr" + "\\.io"}|deno\\.land\\b`), "a registry's host"],
  [new RegExp(`@ts-${"ign" + "ore"}|@ts-${"noch" + "eck"}`), "a type error kept quiet"],
];

const SILENCED = new RegExp("deno-lint-" + "ignore");

function wordViolations(file: SourceFile): string[] {
  const found: string[] = [];
  for (const [index, line] of file.text.split("\n").entries()) {
    for (const [pattern, meaning] of FORBIDDEN) {
      if (pattern.test(line)) found.push(`line ${index + 1} holds ${meaning}`);
    }
    if (SILENCED.test(line) && !/ -- \S/.test(line)) {
      found.push(`line ${index + 1} silences the linter without a reason`);
    }
  }
  return found;
}
