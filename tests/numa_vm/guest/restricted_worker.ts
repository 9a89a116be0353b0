/** A worker that restricts its own thread, then loads `ffi/` and answers with the topology. */

import type { Topology } from "../../../ffi/mod.ts";
import { answerQuestions } from "./ask_worker.ts";
import { must } from "./check.ts";

/** What the thread is put under. */
export type Restriction =
  | { kind: "forbidMbind" }
  | { kind: "membind"; nodes: number[] }
  | { kind: "affinity"; cpu: number };

const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;
const SECCOMP_RETURN_ALLOW = 0x7fff0000;
const SECCOMP_RETURN_EPERM = 0x00050001;
const LOAD_WORD_ABSOLUTE = 0x20;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
/** The number of `mbind` on x86-64. */
const MBIND_CALL = 237;

const POLICY_BIND = 2;
const NODE_BITS = 64n;

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  prctl: { parameters: ["i32", "usize", "usize", "usize", "usize"], result: "i32" },
  sched_setaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" },
});
const { symbols: libnuma } = Deno.dlopen("libnuma.so.1", {
  set_mempolicy: { parameters: ["i32", "buffer", "usize"], result: "i64" },
});

answerQuestions(async (restriction: Restriction): Promise<Topology> => {
  if (restriction.kind === "forbidMbind") forbidMbind();
  else if (restriction.kind === "membind") bindMemory(restriction.nodes);
  else runOnCpu(restriction.cpu);
  const { readTopology } = await import("../../../ffi/mod.ts");
  return readTopology();
});

/** A filter of four instructions: `mbind` fails with EPERM, the rest is allowed. */
function forbidMbind(): void {
  const filter = new Uint32Array([
    ...instruction(LOAD_WORD_ABSOLUTE, 0, 0, 0),
    ...instruction(JUMP_IF_EQUAL, 0, 1, MBIND_CALL),
    ...instruction(RETURN, 0, 0, SECCOMP_RETURN_EPERM),
    ...instruction(RETURN, 0, 0, SECCOMP_RETURN_ALLOW),
  ]);
  const program = new BigUint64Array([BigInt(filter.length / 2), addressOf(filter)]);
  must(libc.prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) === 0, "no new privileges");
  const filtered = libc
    .prctl(PR_SET_SECCOMP, BigInt(SECCOMP_MODE_FILTER), addressOf(program), 0n, 0n);
  must(filtered === 0, "the filter was refused");
}

/** `struct sock_filter`: code (16 bits), jumps when true and false (8 bits each), operand. */
function instruction(code: number, whenTrue: number, whenFalse: number, operand: number): number[] {
  return [code | (whenTrue << 16) | (whenFalse << 24), operand];
}

function bindMemory(nodes: number[]): void {
  const mask = new BigUint64Array(1);
  for (const node of nodes) mask[0] |= 1n << BigInt(node);
  must(libnuma.set_mempolicy(POLICY_BIND, mask, NODE_BITS + 1n) === 0n, "the policy was refused");
}

function runOnCpu(cpu: number): void {
  const mask = new BigUint64Array([1n << BigInt(cpu)]);
  must(libc.sched_setaffinity(0, BigInt(mask.byteLength), mask) === 0, "the CPU was refused");
}

function addressOf(array: Uint32Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(array));
}
