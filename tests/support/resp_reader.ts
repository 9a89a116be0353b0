/**
 * Finds where one whole RESP reply ends, without interpreting it: RESP2 and RESP3.
 *
 * A reply is a tree, but its end needs no tree: a counter of values still owed is enough. A scalar
 * pays one; an aggregate pays one and owes its children; an attribute pays none and owes its own
 * children, since the value it describes follows it.
 *
 * @module
 */

const CARRIAGE_RETURN = 13;

/** Resumable scan of one reply: no byte of a reply is looked at twice. */
export class ReplyScanner {
  #cursor = 0;
  #owed = 1;

  /** Starts over: the next reply begins at offset 0 of the bytes given to `end`. */
  restart(): void {
    this.#cursor = 0;
    this.#owed = 1;
  }

  /**
   * Offset just past the reply that starts at offset 0 of `bytes`, or -1 when the first
   * `lengthBytes` do not hold all of it yet. Call again with more bytes behind the same beginning.
   *
   * @throws Error when the bytes are not RESP.
   */
  end(bytes: Uint8Array, lengthBytes: number): number {
    while (this.#owed > 0) {
      const lineEnd = endOfLine(bytes, this.#cursor, lengthBytes);
      if (lineEnd < 0) return -1;
      const next = this.#valueEnd(bytes, lineEnd);
      if (next > lengthBytes) return -1;
      this.#owed += owedBy(bytes, this.#cursor, lineEnd);
      this.#cursor = next;
    }
    return this.#cursor;
  }

  #valueEnd(bytes: Uint8Array, lineEnd: number): number {
    switch (String.fromCharCode(bytes[this.#cursor])) {
      case "$":
      case "=":
      case "!": {
        const lengthBytes = numberOf(bytes, this.#cursor, lineEnd);
        return lengthBytes < 0 ? lineEnd : lineEnd + lengthBytes + 2;
      }
      default:
        return lineEnd;
    }
  }
}

/** Change in the number of values owed when the value whose first line is given has been read. */
function owedBy(bytes: Uint8Array, start: number, lineEnd: number): number {
  const type = String.fromCharCode(bytes[start]);
  switch (type) {
    case "+":
    case "-":
    case ":":
    case "$":
    case "_":
    case "#":
    case ",":
    case "(":
    case "!":
    case "=":
      return -1;
    case "*":
    case "~":
    case ">":
      return Math.max(0, numberOf(bytes, start, lineEnd)) - 1;
    case "%":
      return 2 * numberOf(bytes, start, lineEnd) - 1;
    case "|":
      return 2 * numberOf(bytes, start, lineEnd);
    default:
      throw new Error(`Cannot read a reply: it starts with ${JSON.stringify(type)}`);
  }
}

function numberOf(bytes: Uint8Array, start: number, lineEnd: number): number {
  let text = "";
  for (let i = start + 1; i < lineEnd - 2; i++) text += String.fromCharCode(bytes[i]);
  const value = Number(text);
  if (!Number.isInteger(value)) throw new Error(`Cannot read a reply: length ${text}`);
  return value;
}

/** Offset just past the line end that follows `start`, or -1. */
function endOfLine(bytes: Uint8Array, start: number, lengthBytes: number): number {
  const index = bytes.indexOf(CARRIAGE_RETURN, start);
  return index < 0 || index + 2 > lengthBytes ? -1 : index + 2;
}

/** The raw bytes of each direct child of an aggregate reply (array, set, push, map: keys too). */
export function elementsOf(reply: Uint8Array): Uint8Array[] {
  const elements: Uint8Array[] = [];
  let rest = reply.subarray(endOfLine(reply, 0, reply.length));
  while (rest.length > 0) {
    const end = new ReplyScanner().end(rest, rest.length);
    if (end < 0) throw new Error("Cannot read a reply: its last element is cut off");
    elements.push(rest.subarray(0, end));
    rest = rest.subarray(end);
  }
  return elements;
}

/** The text of a bulk or simple reply, one character per byte, without its frame. */
export function textOf(reply: Uint8Array): string {
  const lineEnd = endOfLine(reply, 0, reply.length);
  const framed = "$=!".includes(String.fromCharCode(reply[0]));
  const content = framed ? reply.subarray(lineEnd, -2) : reply.subarray(1, lineEnd - 2);
  return new TextDecoder("latin1").decode(content);
}
