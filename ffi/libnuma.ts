/**
 * libnuma: which of its functions Numaris calls.
 *
 * Ranges are bound with the system call behind `numa_tonode_memory`, which libnuma exports as
 * `mbind`: the wrapper returns nothing and prints its errors to standard error, where nobody could
 * turn them into a `NumaError`. By default it also binds strictly, so that a full node brings the
 * out-of-memory killer; `mbind` takes the policy as an argument, instead of per thread from
 * `numa_set_bind_policy`.
 *
 * @module
 */

import { libc } from "./libc.ts";

/** The name under which the dynamic linker finds libnuma. */
export const LIBNUMA_NAME = "libnuma.so.1";

/** The signatures of the functions that are called. */
export const LIBNUMA_SYMBOLS = {
  get_mempolicy: {
    parameters: ["buffer", "buffer", "usize", "usize", "usize"],
    result: "i64",
  },
  mbind: {
    parameters: ["usize", "usize", "i32", "buffer", "usize", "u32"],
    result: "i64",
  },
  numa_allocate_cpumask: { parameters: [], result: "pointer" },
  numa_available: { parameters: [], result: "i32" },
  numa_bitmask_free: { parameters: ["pointer"], result: "void" },
  numa_bitmask_isbitset: { parameters: ["pointer", "u32"], result: "i32" },
  numa_bitmask_nbytes: { parameters: ["pointer"], result: "u32" },
  numa_distance: { parameters: ["i32", "i32"], result: "i32" },
  numa_get_membind: { parameters: [], result: "pointer" },
  numa_get_mems_allowed: { parameters: [], result: "pointer" },
  numa_max_node: { parameters: [], result: "i32" },
  numa_move_pages: {
    parameters: ["i32", "usize", "buffer", "buffer", "buffer", "i32"],
    result: "i32",
  },
  numa_node_size64: { parameters: ["i32", "buffer"], result: "i64" },
  numa_node_to_cpus: { parameters: ["i32", "pointer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of libnuma, callable. */
export type Libnuma = Deno.DynamicLibrary<typeof LIBNUMA_SYMBOLS>["symbols"];

/** libnuma, or null where it is not installed. */
export const libnuma: Libnuma | null = openLibnuma(LIBNUMA_NAME);

/** Opens libnuma under `name`. Returns null off Linux and where there is no such library. */
export function openLibnuma(name: string): Libnuma | null {
  if (libc === null) return null;
  try {
    return Deno.dlopen(name, LIBNUMA_SYMBOLS).symbols;
  } catch {
    return null;
  }
}

/** The numbers of the bits set in one of libnuma's bitmasks, rising. O(bits). */
export function bitsOf(library: Libnuma, bitmask: Deno.PointerObject): number[] {
  const bitCount = library.numa_bitmask_nbytes(bitmask) * 8;
  const bits: number[] = [];
  for (let bit = 0; bit < bitCount; bit++) {
    if (library.numa_bitmask_isbitset(bitmask, bit) !== 0) bits.push(bit);
  }
  return bits;
}

/** As `bitsOf`, for a bitmask that the caller owns: frees it. No bits when it is null. */
export function takeBits(library: Libnuma, bitmask: Deno.PointerValue): number[] {
  if (bitmask === null) return [];
  try {
    return bitsOf(library, bitmask);
  } finally {
    library.numa_bitmask_free(bitmask);
  }
}
