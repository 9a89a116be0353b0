/**
 * What `deno task check` runs: formatting, lint, types, documentation and the rules of the house.
 * Every check runs, and the exit code is 1 when any of them fails.
 *
 * @module
 */

import { readSources, type SourceFile, violations } from "./support/source_rules.ts";

const ROOT = new URL("../", import.meta.url);
/** Folders whose exports are documented: the product, not its tests. */
const DOCUMENTED = /^(ffi|engine|strategies|server)\/|^mod\.ts$/;

if (import.meta.main) Deno.exit(await main());

async function main(): Promise<number> {
  const sources = readSources(ROOT);
  const failed: string[] = [];
  const record = (name: string, passed: boolean) => {
    console.log(`${passed ? "passed" : "FAILED"}  ${name}`);
    if (!passed) failed.push(name);
  };
  record("formatting", await deno(["fmt", "--quiet", "--check"]));
  record("lint", await deno(["lint", "--quiet"]));
  record("types", await deno(["check", "--quiet", ...paths(sources)]));
  record("documentation", await deno(["doc", "--quiet", "--lint", ...documented(sources)]));
  record("rules of the house", report(sources.flatMap(violations)));
  return failed.length === 0 ? 0 : 1;
}

function paths(sources: readonly SourceFile[]): string[] {
  return sources.map((source) => source.path);
}

function documented(sources: readonly SourceFile[]): string[] {
  return paths(sources).filter((path) => DOCUMENTED.test(path));
}

function report(sentences: readonly string[]): boolean {
  for (const sentence of sentences) console.log(sentence);
  return sentences.length === 0;
}

/** Runs deno itself; its output is shown only when it fails. */
async function deno(parameters: string[]): Promise<boolean> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: parameters,
    cwd: ROOT,
    stdin: "null",
  }).output();
  if (!output.success) {
    console.log(new TextDecoder().decode(output.stdout));
    console.error(new TextDecoder().decode(output.stderr));
  }
  return output.success;
}
