/**
 * Placement of a shared buffer's pages: bind ranges to nodes, ask where pages are, move them, give
 * them back.
 *
 * 1. The address is that of the buffer's first byte and never changes: a growable buffer reserves
 *    its whole range when it is made.
 * 2. Every range is checked against the buffer before the kernel sees an address.
 * 3. Binding holds for pages touched later; pages that are already there stay where they are.
 *
 * Any thread may call anything: the object has no state besides the address.
 *
 * @module
 */

import { ensure } from "./errors.ts";
import { pageBytes } from "./host.ts";
import { ERRNO_INVALID, ERRNO_NOT_IMPLEMENTED, lastErrno, libc, numaError } from "./libc.ts";
import { type Libnuma, libnuma } from "./libnuma.ts";

/** Prefer the node, and take another's page when it is full (strict binding would kill us then). */
const POLICY_PREFERRED = 1;
const MOVE_OWN_PAGES = 2;

const ADVICE_DISCARD = 4;
const ADVICE_HUGE_PAGES = 14;
const ADVICE_NO_HUGE_PAGES = 15;

const THIS_PROCESS = 0;

/** As many as the kernel can be built for. */
export const NODE_COUNT_MAX = 1024;

const OUTSIDE = "Cannot reach memory outside the shared buffer";

/** The pages behind one `SharedArrayBuffer`. Offsets count from the buffer's first byte. */
export class SharedMemory {
  readonly #buffer: SharedArrayBuffer;
  /** A number, exact: user space ends at 2^47 (2^56 with five-level paging, never by default). */
  readonly #address: number;
  readonly #pageBytes = pageBytes();

  /**
   * Takes the address of `buffer`, and keeps the buffer alive.
   *
   * @param buffer Growable, because only such a one starts on a page; at least one byte long now.
   */
  constructor(buffer: SharedArrayBuffer) {
    ensure(buffer.byteLength > 0, "Cannot place an empty buffer: it has no address");
    this.#buffer = buffer;
    this.#address = addressOf(buffer);
    ensure(this.#address % this.#pageBytes === 0, "Cannot place a buffer that is not page aligned");
  }

  /**
   * Makes the pages of a range come from `nodeId` (the kernel's number) when they are first
   * touched, or from the nearest node with room when it is full. Both ends must lie on page
   * boundaries.
   *
   * @throws NumaError when the kernel refuses: no such node, or no permission. Nothing is bound
   * then.
   */
  bind(offsetBytes: number, lengthBytes: number, nodeId: number): void {
    this.#check(offsetBytes, lengthBytes);
    ensure(
      offsetBytes % this.#pageBytes === 0 && lengthBytes % this.#pageBytes === 0,
      "Cannot bind part of a page",
    );
    bindAddresses(availableLibnuma("mbind"), this.#address + offsetBytes, lengthBytes, nodeId);
  }

  /**
   * Gives the whole pages inside a range back to the kernel. Their content is lost: on Linux they
   * read as zero; elsewhere nothing happens, so treat the content as undefined. Their binding
   * stays. About 1 us, and 0.4 us per page that was there.
   *
   * @throws NumaError when pages of the range are locked.
   */
  discard(offsetBytes: number, lengthBytes: number): void {
    this.#check(offsetBytes, lengthBytes);
    const start = Math.ceil(offsetBytes / this.#pageBytes) * this.#pageBytes;
    const end = Math.floor((offsetBytes + lengthBytes) / this.#pageBytes) * this.#pageBytes;
    if (end <= start) return;
    const errno = this.#advise(start, end - start, ADVICE_DISCARD);
    if (errno !== 0) throw numaError("madvise", errno);
  }

  /**
   * Allows (`on`) or forbids transparent huge pages in a range; it starts on a page boundary. Does
   * nothing where the kernel has none.
   */
  adviseHugePages(offsetBytes: number, lengthBytes: number, on: boolean): void {
    this.#check(offsetBytes, lengthBytes);
    ensure(offsetBytes % this.#pageBytes === 0, "Cannot advise the kernel on part of a page");
    const errno = this.#advise(
      offsetBytes,
      lengthBytes,
      on ? ADVICE_HUGE_PAGES : ADVICE_NO_HUGE_PAGES,
    );
    // A kernel without transparent huge pages does not know the advice.
    if (errno !== 0 && errno !== ERRNO_INVALID) throw numaError("madvise", errno);
  }

  /**
   * The kernel's answer to where pages are, for the page around each offset: its node, or a
   * negative error number where there is no page of our own: not touched yet, given back, or only
   * read (the shared page of zeros). Kernels differ in which: -2 (ENOENT) or -14 (EFAULT).
   *
   * @throws NumaError when the query as a whole is refused.
   */
  nodesOf(offsetsBytes: readonly number[]): number[] {
    return this.#movePages(offsetsBytes, null);
  }

  /**
   * Moves the page around each offset to `nodeId`, whatever node its range is bound to. Returns for
   * each where it is now, as `nodesOf` does: a page that could not be moved stays whole where it
   * was. A huge page moves as a whole, also when only part of it is named.
   *
   * @throws NumaError when the move as a whole is refused: no such node, or no permission.
   */
  movePages(offsetsBytes: readonly number[], nodeId: number): number[] {
    this.#movePages(offsetsBytes, new Int32Array(offsetsBytes.length).fill(nodeId));
    // The move itself answers "busy" for one part of each huge page that it moved.
    return this.#movePages(offsetsBytes, null);
  }

  #movePages(
    offsetsBytes: readonly number[],
    targets: Int32Array<ArrayBuffer> | null,
  ): number[] {
    if (offsetsBytes.length === 0) return [];
    const library = availableLibnuma("move_pages");
    const addresses = new BigUint64Array(offsetsBytes.length);
    for (let i = 0; i < offsetsBytes.length; i++) {
      this.#check(offsetsBytes[i], 1);
      const start = Math.floor(offsetsBytes[i] / this.#pageBytes) * this.#pageBytes;
      addresses[i] = BigInt(this.#address + start);
    }
    const status = new Int32Array(offsetsBytes.length);
    const count = BigInt(offsetsBytes.length);
    const result = library
      .numa_move_pages(THIS_PROCESS, count, addresses, targets, status, MOVE_OWN_PAGES);
    // A positive result counts pages that did not move.
    if (result < 0) throw numaError("move_pages");
    return Array.from(status);
  }

  /** Returns 0, or the error number. */
  #advise(offsetBytes: number, lengthBytes: number, advice: number): number {
    if (libc === null) return 0;
    const address = BigInt(this.#address + offsetBytes);
    return libc.madvise(address, BigInt(lengthBytes), advice) === 0 ? 0 : lastErrno();
  }

  #check(offsetBytes: number, lengthBytes: number): void {
    ensure(
      offsetBytes >= 0 && lengthBytes >= 0 && offsetBytes + lengthBytes <= this.#buffer.byteLength,
      OUTSIDE,
    );
  }
}

/** As `SharedMemory.bind`, for a range of addresses. Stays inside `ffi/`. */
export function bindAddresses(
  library: Libnuma,
  address: number,
  lengthBytes: number,
  nodeId: number,
): void {
  ensure(nodeId >= 0 && nodeId < NODE_COUNT_MAX, "Cannot bind memory: no such node number");
  const nodes = new Uint8Array(NODE_COUNT_MAX / 8);
  nodes[nodeId >>> 3] = 1 << (nodeId & 7);
  // The kernel reads one bit less than it is told.
  const bitCount = BigInt(NODE_COUNT_MAX + 1);
  const result = library
    .mbind(BigInt(address), BigInt(lengthBytes), POLICY_PREFERRED, nodes, bitCount, 0);
  if (result !== 0n) throw numaError("mbind");
}

/** Address of a shared buffer's first byte, exact. Stays inside `ffi/`. */
export function addressOf(buffer: SharedArrayBuffer): number {
  // Deno takes shared buffers here; only its types do not say so.
  const view = new Uint8Array(buffer, 0, 1) as unknown as Uint8Array<ArrayBuffer>;
  return Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(view)));
}

function availableLibnuma(call: string): Libnuma {
  if (libnuma === null) throw numaError(call, ERRNO_NOT_IMPLEMENTED);
  return libnuma;
}
