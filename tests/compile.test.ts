import { assertArrayIncludes, assertEquals, assertMatch } from "@std/assert";
import { readSources, workerModules } from "./support/source_rules.ts";

const ROOT = new URL("../", import.meta.url);

Deno.test("the executable's module graph is whole and holds the workers", async () => {
  assertArrayIncludes(workerModules(readSources(ROOT)), ["server/worker.ts"]);
  const folder = Deno.makeTempDirSync({ prefix: "numaris-compile-" });
  try {
    // With deno itself as the runtime the graph is built, but what comes out is not runnable.
    const output = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", "tests/compile.ts", `${folder}/numaris`],
      cwd: ROOT,
      env: { DENORT_BIN: Deno.execPath(), NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    const printed = decoder.decode(output.stdout) + decoder.decode(output.stderr);
    assertEquals(output.code, 0, printed);
    assertMatch(printed, /\bworker\.ts\b/);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
