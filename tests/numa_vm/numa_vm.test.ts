/** Boots the virtual machine once and reports each check that ran in it as a step. */

import { assert, assertEquals } from "@std/assert";
import { peerTest } from "../support/peers.ts";
import { allChecks } from "./guest/all_checks.ts";
import { type GuestResult, parseResults } from "./guest/check.ts";
import { runInVm, VM_PEERS } from "./vm.ts";

const NAME = "on a machine with three nodes";

if (Deno.build.os === "linux" && Deno.build.arch === "x86_64") {
  peerTest(NAME, VM_PEERS, checkInGuest);
} else {
  const reason = `the guest runs this Deno, and that is no Linux on x86-64`;
  Deno.test({ name: `${NAME} (ignored: ${reason})`, ignore: true, fn: checkInGuest });
}

async function checkInGuest(context: Deno.TestContext): Promise<void> {
  const { output, exitCode } = await runInVm({ entry: "tests/numa_vm/guest/main.ts" });
  const results = new Map<string, GuestResult>();
  for (const result of parseResults(output)) results.set(result.check, result);
  for (const { name } of allChecks) {
    await context.step(name, () => {
      const result = results.get(name);
      assert(
        result !== undefined,
        `Cannot find the check's result in the guest's output:\n${output}`,
      );
      assertEquals(result.error, null, result.error ?? "");
    });
  }
  assertEquals(exitCode, 0, output);
}
