/**
 * Style as a test: whatever these rules say is checked on every source file of the project.
 *
 * @module
 */

import { assertEquals, assertGreater } from "@std/assert";
import { importViolations, readSources, violations } from "./support/source_rules.ts";

const ROOT = new URL("../", import.meta.url);

Deno.test("every source file keeps the rules of the house", () => {
  const sources = readSources(ROOT);
  assertGreater(sources.length, 10);
  assertEquals(sources.flatMap(violations), []);
});

Deno.test("an import from a lower layer to a higher one is found", () => {
  const importing = (path: string, specifier: string) =>
    importViolations({ path, text: `import { x } from "${specifier}";\n` }).length;
  assertEquals(importing("engine/heap.ts", "../server/client.ts"), 1);
  assertEquals(importing("ffi/libc.ts", "../engine/assert.ts"), 1);
  assertEquals(importing("server/a/b.ts", "../../tests/support/peers.ts"), 1);
  assertEquals(importing("server/a/b.ts", "../../mod.ts"), 1);
  assertEquals(importing("server/a/b.ts", "../../engine/heap.ts"), 0);
  assertEquals(importing("engine/heap.ts", "../ffi/mod.ts"), 0);
  assertEquals(importing("tests/a.test.ts", "../bench/peer/main.ts"), 0);
  assertEquals(importing("mod.ts", "./server/server.ts"), 0);
});

Deno.test("what breaks the form of a file is found", () => {
  const broken = (path: string, text: string) => violations({ path, text }).length;
  assertEquals(broken("engine/someThing.ts", ""), 1);
  assertEquals(broken("engine/some_thing.test.ts", ""), 0);
  assertEquals(broken("engine/a.ts", `// ${"x".repeat(98)}\n`), 1);
  assertEquals(broken("engine/a.ts", "\n".repeat(601)), 1);
  assertEquals(broken("engine/a.ts", `function f() {\n${"  g();\n".repeat(69)}}\n`), 1);
  assertEquals(broken("engine/a.ts", `function f() {\n${"  g();\n".repeat(68)}}\n`), 0);
  assertEquals(
    broken("engine/a.ts", `class A {\n  #m(): void {\n${"    g();\n".repeat(69)}  }\n}\n`),
    1,
  );
  assertEquals(broken("engine/a.ts", "// TO" + "DO later\n"), 1);
  assertEquals(broken("engine/a.ts", "// deno-lint-" + "ignore no-explicit-any\n"), 1);
  assertEquals(broken("engine/a.ts", "// deno-lint-" + "ignore no-explicit-any -- a reason\n"), 0);
});
