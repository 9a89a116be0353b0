/**
 * A byte buffer that grows as it is written and is reused from call to call.
 *
 * @module
 */

const CAPACITY_INITIAL_BYTES = 256;
/** A buffer that one large value has blown up beyond this is given back at the next `clear()`. */
const CAPACITY_KEPT_BYTES = 1 << 20;

/** Bytes 0 to `lengthBytes` of `bytes` are what was written. */
export class ByteBuffer {
  /** What was written, and room behind it. Replaced when it grows. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(CAPACITY_INITIAL_BYTES);
  /** Bytes written. */
  lengthBytes = 0;

  /** Forgets what was written, and gives an unusually large buffer back. O(1). */
  clear(): void {
    this.lengthBytes = 0;
    if (this.bytes.length > CAPACITY_KEPT_BYTES) {
      this.bytes = new Uint8Array(CAPACITY_INITIAL_BYTES);
    }
  }

  /** Makes room for `moreBytes` after what was written. Amortised O(1) per byte. */
  reserve(moreBytes: number): void {
    const neededBytes = this.lengthBytes + moreBytes;
    if (neededBytes <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(neededBytes, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.lengthBytes));
    this.bytes = larger;
  }

  /** Appends the low eight bits of `value`. */
  byte(value: number): void {
    if (this.lengthBytes === this.bytes.length) this.reserve(1);
    this.bytes[this.lengthBytes++] = value;
  }

  /** Appends `lengthBytes` bytes of `from`, beginning at `start`. O(lengthBytes). */
  append(from: Uint8Array, start: number, lengthBytes: number): void {
    this.reserve(lengthBytes);
    this.bytes.set(from.subarray(start, start + lengthBytes), this.lengthBytes);
    this.lengthBytes += lengthBytes;
  }

  /** A copy of what was written. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.lengthBytes);
  }
}
