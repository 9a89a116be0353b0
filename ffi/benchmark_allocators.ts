/**
 * Other people's allocators, for the benchmarks that compare ours with them. Nothing else uses
 * them.
 *
 * Addresses are bigints here because that is the fastest form in which an FFI call takes and
 * returns them: 18 to 25 ns for a pair of `malloc` and `free` (bench/engine/allocator.bench.ts).
 *
 * @module
 */

const LIBC_SYMBOLS = {
  malloc: { parameters: ["usize"], result: "usize" },
  free: { parameters: ["usize"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

const LIBNUMA_SYMBOLS = {
  numa_alloc_onnode: { parameters: ["usize", "i32"], result: "usize" },
  numa_free: { parameters: ["usize", "usize"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The C library's allocator. */
export interface LibcAllocator {
  /** Returns an address, or 0 when there is no memory. */
  malloc(lengthBytes: bigint): bigint;
  /** Takes back what `malloc` gave. */
  free(address: bigint): void;
}

/** libnuma's allocator: whole pages, by one `mmap` and one `mbind` per block. */
export interface LibnumaAllocator {
  /** Returns an address, or 0 when there is no memory. */
  numa_alloc_onnode(lengthBytes: bigint, nodeId: number): bigint;
  /** Takes back what `numa_alloc_onnode` gave, with the length that was asked for. */
  numa_free(address: bigint, lengthBytes: bigint): void;
}

/** The C library's allocator, or null where there is no glibc. */
export const libcAllocator: LibcAllocator | null = opened(() =>
  Deno.dlopen("libc.so.6", LIBC_SYMBOLS).symbols
);

/** libnuma's allocator, or null where libnuma is not installed. */
export const libnumaAllocator: LibnumaAllocator | null = opened(() =>
  Deno.dlopen("libnuma.so.1", LIBNUMA_SYMBOLS).symbols
);

function opened<T>(open: () => T): T | null {
  try {
    return open();
  } catch {
    return null;
  }
}
