import { assert, assertEquals, assertRejects } from "@std/assert";
import { loadStrategy, StrategyError } from "../../strategies/mod.ts";
import { withDirectory } from "../support/strategy_directory.ts";

const EXAMPLES = new URL("../../strategies/examples/", import.meta.url).pathname;

const GOOD = `export default {
  name: "good",
  summary: "Does nothing." as string,
  parameters: [{ name: "share", summary: "A share.", initial: 5 }],
  create: () => ({ execute(): void {} }),
};`;

Deno.test("the examples load, by relative and by absolute path", async () => {
  for (const name of ["balance_by_bytes.ts", "pin_by_pattern.ts"]) {
    const { factory, path } = await loadStrategy(name, EXAMPLES);
    assertEquals(typeof factory.create().execute, "function");
    assertEquals(path, `${EXAMPLES}${name}`);
    assertEquals((await loadStrategy(path, EXAMPLES)).path, path);
  }
});

Deno.test("a file that was changed is read anew", async () => {
  await withDirectory({ "mine.ts": GOOD }, async (directory) => {
    assertEquals((await loadStrategy("./mine.ts", directory)).factory.name, "good");
    await Deno.writeTextFile(`${directory}/mine.ts`, GOOD.replace('"good"', '"better"'));
    assertEquals((await loadStrategy("mine.ts", directory)).factory.name, "better");
  });
});

Deno.test("a factory is read once, whatever its getters say later", async () => {
  const text = `const once = (value) => {
      let isRead = false;
      return () => { if (isRead) throw null; isRead = true; return value; };
    };
    const parameter = { summary: "A share.", initial: 5 };
    Object.defineProperty(parameter, "name", { get: once("share") });
    const factory = {
      summary: "Does nothing.", parameters: [parameter], execute() {},
      create() { return { execute: this.execute }; },
    };
    Object.defineProperty(factory, "name", { get: once("good") });
    export default factory;`;
  await withDirectory({ "mine.js": text }, async (directory) => {
    const { factory } = await loadStrategy("mine.js", directory);
    for (let i = 0; i < 3; i++) {
      assertEquals([factory.name, factory.parameters?.[0].name], ["good", "share"]);
      assertEquals(typeof factory.create().execute, "function");
    }
  });
});

Deno.test("a module that takes too long is refused, whatever becomes of it", async () => {
  const waits = "await new Promise((done) => setTimeout(done, 200));";
  const files = {
    "late.ts": `${waits} ${GOOD}`,
    "fails.ts": `${waits} throw new Error("late"); ${GOOD}`,
    "thenable.ts": `export function then() {} ${GOOD}`,
  };
  await withDirectory(files, async (directory) => {
    for (const name of Object.keys(files)) {
      const error = await assertRejects(() => loadStrategy(name, directory, 20), StrategyError);
      assertEquals(
        error.message.startsWith(`Cannot load ${name}: it was not done after 20 ms`),
        true,
      );
    }
    // What the modules come to harms nobody.
    await new Promise((done) => setTimeout(done, 300));
    assertEquals((await loadStrategy("late.ts", directory)).factory.name, "good");
  });
});

Deno.test("what lies outside of the directory is not loaded, not even through a link", async () => {
  await withDirectory({ "mine.ts": GOOD }, async (outside) => {
    await withDirectory({}, async (directory) => {
      await Deno.symlink(`${outside}/mine.ts`, `${directory}/link.ts`);
      await Deno.symlink(outside, `${directory}/sub`);
      const paths = ["link.ts", "sub/mine.ts", `${outside}/mine.ts`, "../mine.ts"];
      for (const path of [...paths, `${directory}/sub/../link.ts`]) {
        const error = await assertRejects(() => loadStrategy(path, directory), StrategyError);
        assert(/outside of numa-strategy-dir|No such file/.test(error.message), error.message);
      }
      await Deno.symlink(directory, `${outside}/alias`);
      await Deno.writeTextFile(`${directory}/mine.ts`, GOOD);
      assertEquals((await loadStrategy("mine.ts", `${outside}/alias`)).factory.name, "good");
    });
  });
});

Deno.test("a module that is no strategy is refused with the reason", async () => {
  const faults: [string, string][] = [
    ["export const x = 1;", "its default export is no strategy factory"],
    ["export default 5;", "its default export is no strategy factory"],
    ["export default {", "Cannot load bad.ts: "],
    ["throw new Error('at once');", "at once"],
    ["throw Object.create(null);", "an object that has no text"],
    ["export default { get name() { throw new Error('by a getter'); } };", "by a getter"],
    [GOOD.replace('"good"', '"a b"'), "the factory's name must be"],
    [GOOD.replace("summary:", "other:"), "the factory's summary must be"],
    [GOOD.replace("create:", "make:"), "the factory has no create()"],
    [GOOD.replace("initial: 5", "initial: null"), "has no initial number, text or flag"],
    [GOOD.replace('"share"', '"interval"'), "the name 'interval' is the slot's own"],
    [GOOD.replace('"share"', '"A b"'), "a parameter's name must be"],
    [GOOD.replace("create:", "priority: 9, create:"), "priority must be 0 to 2"],
    [GOOD.replace("create:", "intervalMs: 1, create:"), "intervalMs must be 100 to"],
    ["import x from './absent.ts'; export default x;", "absent.ts"],
  ];
  for (const [text, reason] of faults) {
    await withDirectory({ "bad.ts": text }, async (directory) => {
      const error = await assertRejects(() => loadStrategy("bad.ts", directory), StrategyError);
      assert(error.message.includes(reason), `${error.message} should name: ${reason}`);
    });
  }
  await withDirectory({ "mine.txt": GOOD }, async (directory) => {
    await assertRejects(() => loadStrategy("mine.txt", directory), StrategyError, "must end in");
    await assertRejects(() => loadStrategy("absent.ts", directory), StrategyError, "Cannot load");
    await Deno.mkdir(`${directory}/folder.ts`);
    await assertRejects(() => loadStrategy("folder.ts", directory), StrategyError, "no file");
  });
});
