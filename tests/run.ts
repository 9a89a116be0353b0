/**
 * What `deno task test` runs: installs the missing peers where it may, runs every test, and ends
 * with one line that counts them. Arguments go to `deno test`.
 *
 * Without arguments, the differential tests come first, several files at a time: most of what they
 * do is waiting for one of two servers. The others have the machine to themselves.
 *
 * @module
 */

import { countTests, type TestCounts } from "./support/junit.ts";
import { missingPeers, type Peer, peersAreMandatory } from "./support/peers.ts";

const DIFFERENTIAL = "tests/differential/";
/** Arguments of `deno test` for all tests. */
const PASSES = [["--parallel", DIFFERENTIAL], [`--ignore=${DIFFERENTIAL}`]];
const POLICY_PATH = "/usr/sbin/policy-rc.d";

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(testArguments: string[]): Promise<number> {
  await installMissingPeers();
  reportMissing(missingPeers());
  const passes = testArguments.length > 0 ? [testArguments] : PASSES;
  const counts: TestCounts = { passed: 0, failed: 0, ignored: 0 };
  let exitCode = 0;
  for (const pass of passes) {
    const result = await runTests(pass);
    counts.passed += result.counts.passed;
    counts.failed += result.counts.failed;
    counts.ignored += result.counts.ignored;
    exitCode = Math.max(exitCode, result.exitCode);
  }
  // A file that does not load has no test to count, but it is a failure all the same.
  const failed = exitCode !== 0 && counts.failed === 0 ? 1 : counts.failed;
  const ignored = counts.ignored > 0 ? `, ${counts.ignored} skipped` : "";
  console.log(`${counts.passed} passed, ${failed} failed${ignored}`);
  return failed === 0 ? 0 : 1;
}

async function installMissingPeers(): Promise<void> {
  const missing = missingPeers();
  if (missing.length === 0) return;
  if (Deno.build.os !== "linux" || Deno.uid() !== 0 || !await succeeds("apt-get", ["--version"])) {
    return;
  }
  console.log(`Installing ${missing.join(", ")}`);
  const withPolicy = forbidServiceStarts();
  try {
    await succeeds("apt-get", ["update", "-qq"], true);
    await succeeds("apt-get", [
      "install",
      "-y",
      "-qq",
      "--no-install-recommends",
      ...missing,
    ], true);
  } finally {
    if (withPolicy) Deno.removeSync(POLICY_PATH);
  }
}

/** Keeps Debian from starting redis-server as a service. Returns whether it wrote the policy file. */
function forbidServiceStarts(): boolean {
  try {
    Deno.writeTextFileSync(POLICY_PATH, "#!/bin/sh\nexit 101\n", { createNew: true, mode: 0o755 });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists || error instanceof Deno.errors.NotFound) {
      return false;
    }
    throw error;
  }
}

async function succeeds(program: string, parameters: string[], loud = false): Promise<boolean> {
  try {
    const output = await new Deno.Command(program, {
      args: parameters,
      env: { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!output.success && loud) console.error(new TextDecoder().decode(output.stderr));
    return output.success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function reportMissing(missing: Peer[]): void {
  if (missing.length === 0) return;
  const consequence = peersAreMandatory() ? "which CI=true makes a failure" : "and is ignored";
  console.log(`Missing: ${missing.join(", ")}. What needs them says so ${consequence}.`);
}

async function runTests(
  testArguments: string[],
): Promise<{ counts: TestCounts; exitCode: number }> {
  const reportPath = Deno.makeTempFileSync({ prefix: "numaris-tests-", suffix: ".xml" });
  try {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["test", "--quiet", "-A", `--junit-path=${reportPath}`, ...testArguments],
      cwd: new URL("..", import.meta.url),
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
    const { code } = await child.status;
    return { counts: countTests(Deno.readTextFileSync(reportPath)), exitCode: code };
  } finally {
    Deno.removeSync(reportPath);
  }
}
