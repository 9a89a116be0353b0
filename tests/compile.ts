/**
 * What `deno task compile` runs: builds one executable, the worker modules and the serve task's V8
 * flags included, as `dist/numaris` or as the path given.
 *
 * `deno compile` downloads a runtime (`denort`) unless `DENORT_BIN` names one. Where neither is to
 * be had, `DENORT_BIN=$(command -v deno)` still builds the whole module graph: a check that nothing
 * is missing from it, but what comes out is not runnable.
 *
 * @module
 */

import { serveTaskArguments } from "./support/numaris_server.ts";
import { readSources, workerModules } from "./support/source_rules.ts";

const ROOT = new URL("../", import.meta.url);
const OUTPUT_PATH = "dist/numaris";

if (import.meta.main) Deno.exit(await main(Deno.args[0] ?? OUTPUT_PATH));

async function main(outputPath: string): Promise<number> {
  const includes = workerModules(readSources(ROOT)).flatMap((path) => ["--include", path]);
  const v8Flags = serveTaskArguments().filter((each) => each.startsWith("--v8-flags="));
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["compile", "--output", outputPath, "--no-prompt", ...v8Flags],
      ...["--allow-ffi", "--allow-net", "--allow-read", "--allow-write"],
      ...includes,
      "mod.ts",
    ],
    cwd: ROOT,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  const { code } = await child.status;
  if (code !== 0) {
    console.error("Cannot compile. Without a denort, DENORT_BIN=<path of deno> checks the graph.");
  }
  return code;
}
