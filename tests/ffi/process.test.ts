import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertThrows,
} from "@std/assert";
import {
  affinity,
  cpuTimes,
  currentCpu,
  hostFacts,
  memoryInfo,
  monotonicNs,
  NumaError,
  openFileLimit,
  pinTo,
  privateBytesOutside,
  processMemory,
  raiseOpenFileLimit,
  readKernelFile,
  residentBytes,
} from "../../ffi/mod.ts";
import { libcAllocator, libnumaAllocator } from "../../ffi/benchmark_allocators.ts";
import { kilobyteField } from "../../ffi/kernel_files.ts";
import { agreeAtLast } from "../support/agree_at_last.ts";
import { peerTest } from "../support/peers.ts";
import type { ThreadAnswer } from "./thread_worker.ts";

const MIB = 1024 * 1024;

const onLinux = Deno.build.os === "linux";

Deno.test("resident bytes grow with what is touched", () => {
  const before = residentBytes();
  const bytes = new Uint8Array(new SharedArrayBuffer(64 * MIB)).fill(1);
  assertGreater(residentBytes(), before + 48 * MIB);
  assertEquals(bytes[0], 1);
});

Deno.test("the process's memory agrees with Deno's view of it", () => {
  const memory = processMemory();
  assertLess(Math.abs(memory.residentBytes - Deno.memoryUsage().rss), 32 * MIB);
  assertGreaterOrEqual(memory.residentBytesPeak, memory.residentBytes);
  assertGreater(memory.virtualBytes, memory.residentBytes);
});

Deno.test({
  name: "private bytes outside of a buffer are all but the buffer's, as the kernel counts them",
  ignore: !onLinux,
  async fn() {
    const buffer = new SharedArrayBuffer(MIB, { maxByteLength: 1024 * MIB });
    buffer.grow(1024 * MIB);
    const inside = new Uint8Array(buffer, 300 * MIB, 64 * MIB).fill(1);
    await agreeAtLast(() => {
      const outside = privateBytesOutside(buffer);
      const { anonymousBytes, fileBytes, residentBytes } = processMemory();
      assertLess(Math.abs(outside + inside.length - anonymousBytes), 8 * MIB);
      assertLess(Math.abs(anonymousBytes + fileBytes - residentBytes), 8 * MIB);
    });
    await agreeAtLast(() => {
      const before = privateBytesOutside(buffer);
      const other = new Uint8Array(new SharedArrayBuffer(64 * MIB)).fill(1);
      assertLess(Math.abs(privateBytesOutside(buffer) - other.length - before), 8 * MIB);
    });
  },
});

Deno.test("the machine's memory is what Deno tells", () => {
  const info = memoryInfo();
  assertEquals(info.totalBytes, Deno.systemMemoryInfo().total);
  assert(info.freeBytes > 0 && info.freeBytes <= info.totalBytes);
  assert(info.availableBytes > 0 && info.availableBytes <= info.totalBytes);
});

Deno.test("the host's facts are those of the running kernel", () => {
  const facts = hostFacts();
  assertEquals(facts.release, Deno.osRelease());
  assertEquals(facts.machine, Deno.build.arch);
  if (onLinux) assertEquals(facts.system, "Linux");
});

Deno.test("processor time rises with work", () => {
  const before = cpuTimes();
  const start = performance.now();
  while (performance.now() - start < 50);
  const after = cpuTimes();
  assertGreater(after.self.userSeconds + after.self.systemSeconds, before.self.userSeconds);
  assertGreater(after.thread.userSeconds + after.thread.systemSeconds, before.thread.userSeconds);
  assertGreaterOrEqual(after.children.userSeconds, before.children.userSeconds);
});

Deno.test("the monotonic clock never goes back", () => {
  let previousNs = monotonicNs();
  for (let i = 0; i < 10_000; i++) {
    const nowNs = monotonicNs();
    assertGreaterOrEqual(nowNs, previousNs);
    previousNs = nowNs;
  }
});

Deno.test("the limit on open files is raised as far as it goes, never lowered", () => {
  const { soft, hard } = openFileLimit();
  assertGreater(soft, 0);
  assertGreaterOrEqual(hard, soft);
  assertEquals(raiseOpenFileLimit(1), soft);
  const raised = raiseOpenFileLimit(soft + 1);
  assert(raised === soft + 1 || raised === hard);
  assertEquals(openFileLimit().soft, raised);
});

Deno.test({
  name: "files of the kernel are read whole, without Deno's permission",
  ignore: !onLinux,
  fn() {
    assertEquals(readKernelFile("/proc/version"), Deno.readTextFileSync("/proc/version"));
    const kernelSymbols = readKernelFile("/proc/kallsyms") ?? "";
    assert(kernelSymbols === "" || kernelSymbols.endsWith("\n"));
    assertEquals(readKernelFile("/proc/no-such-file"), null);
  },
});

Deno.test("a field in kilobytes is found by its whole label", () => {
  const text = "RssAnonX:\t 9 kB\nRssAnon:\t     100 kB\n";
  assertEquals(kilobyteField(text, "RssAnon"), 100 * 1024);
  assertEquals(kilobyteField(text, "Anon"), 0);
});

Deno.test({
  name: "pinning a worker moves its own thread only",
  ignore: !onLinux,
  async fn() {
    const cpus = affinity();
    for (const cpu of cpus.slice(0, 4)) {
      const answer = await askWorker(cpu);
      assertEquals(answer.affinity, [cpu]);
      assertEquals(answer.cpu, cpu);
      assertGreater(answer.threadUserSeconds, 0);
    }
    assertEquals(affinity(), cpus);
    assert(cpus.includes(currentCpu()));
  },
});

Deno.test({
  name: "a thread cannot be pinned to no processor",
  ignore: !onLinux,
  fn() {
    const error = assertThrows(() => pinTo([]), NumaError);
    assertEquals(error.call, "sched_setaffinity");
    assertEquals(error.errno, 22);
    assertThrows(() => pinTo([-1]), RangeError);
  },
});

peerTest("the benchmarks' allocators allocate and free", ["libnuma1"], () => {
  assert(libcAllocator !== null && libnumaAllocator !== null);
  const block = libcAllocator.malloc(100n);
  assert(block !== 0n);
  libcAllocator.free(block);
  const pages = libnumaAllocator.numa_alloc_onnode(8192n, 0);
  assert(pages !== 0n);
  libnumaAllocator.numa_free(pages, 8192n);
});

async function askWorker(cpu: number): Promise<ThreadAnswer> {
  const worker = new Worker(new URL("./thread_worker.ts", import.meta.url), { type: "module" });
  try {
    const answer = Promise.withResolvers<ThreadAnswer>();
    worker.onmessage = (event: MessageEvent<ThreadAnswer>) => answer.resolve(event.data);
    worker.onerror = (event: ErrorEvent) => answer.reject(event.error ?? event.message);
    worker.postMessage(cpu);
    return await answer.promise;
  } finally {
    worker.terminate();
  }
}
