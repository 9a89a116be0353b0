/**
 * Reading /proc and /sys through the C library, because Deno's file API asks for `--allow-all`
 * there.
 *
 * @module
 */

import { cString, libc } from "./libc.ts";

const OPEN_READ_ONLY = 0;
const OPEN_CLOSE_ON_EXEC = 0o2000000;

const CHUNK_BYTES = 16384;
const FILE_BYTES_MAX = 16 * 1024 * 1024;

/**
 * The text of a file of the kernel, such as `/proc/meminfo`; null where it cannot be read. Files
 * over 16 MiB are cut there.
 */
export function readKernelFile(path: string): string | null {
  if (libc === null) return null;
  const descriptor = openKernelFile(path);
  if (descriptor < 0) return null;
  try {
    return readAll(descriptor);
  } finally {
    libc.close(descriptor);
  }
}

/**
 * Opens a file for `readInto`. Returns its descriptor, or -1. The caller closes it, or keeps it.
 */
export function openKernelFile(path: string): number {
  return libc === null ? -1 : libc.open(cString(path), OPEN_READ_ONLY | OPEN_CLOSE_ON_EXEC);
}

/** Reads from `offsetBytes` of the file into `target`. Returns the bytes read, or -1. */
export function readInto(
  descriptor: number,
  target: Uint8Array<ArrayBuffer>,
  offsetBytes: number,
): number {
  if (libc === null) return -1;
  return Number(libc.pread(descriptor, target, BigInt(target.length), BigInt(offsetBytes)));
}

function readAll(descriptor: number): string | null {
  const chunk = new Uint8Array(CHUNK_BYTES);
  const textDecoder = new TextDecoder();
  let text = "";
  for (let offsetBytes = 0; offsetBytes < FILE_BYTES_MAX;) {
    const readBytes = readInto(descriptor, chunk, offsetBytes);
    if (readBytes < 0) return null;
    if (readBytes === 0) break;
    text += textDecoder.decode(chunk.subarray(0, readBytes), { stream: true });
    offsetBytes += readBytes;
  }
  return text + textDecoder.decode();
}

/** The bytes before the first zero, as text. */
export function textUpToZero(bytes: Uint8Array<ArrayBuffer>): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/**
 * The number of kilobytes on the line of `text` that starts with `label` and a colon, in bytes: the
 * form of /proc/meminfo, of a node's meminfo and of /proc/self/status. 0 where there is no such
 * line.
 */
export function kilobyteField(text: string, label: string): number {
  const escaped = label.replace(/[()]/g, "\\$&");
  const found = text.match(new RegExp(`^${escaped}:\\s*(\\d+)`, "m"));
  return found === null ? 0 : Number(found[1]) * 1024;
}
