/**
 * Byte texts: strings with one character per byte (latin-1), as `Arguments.text` gives them. The
 * whole configuration holds byte texts, so that a password of any bytes survives. Ordinary strings
 * come in from the command line and go out to the file system; both are UTF-8 out there.
 *
 * @module
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The UTF-8 bytes of an ordinary string, as byte text. */
export function toByteText(text: string): string {
  return bytesToByteText(encoder.encode(text));
}

/** The ordinary string whose UTF-8 bytes are `byteText`: what the file system takes as a path. */
export function fromByteText(byteText: string): string {
  return decoder.decode(byteTextToBytes(byteText));
}

/** Bytes as byte text. */
export function bytesToByteText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Byte text as bytes. Every character must be below 256. */
export function byteTextToBytes(byteText: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteText.length);
  for (let i = 0; i < byteText.length; i++) bytes[i] = byteText.charCodeAt(i);
  return bytes;
}
