/**
 * Replies as trees, for tests that compare their structure and not every byte.
 *
 * @module
 */

import { assert } from "@std/assert";

/** One RESP value: its type byte, and its text or its children (of a map: keys and values). */
export type ReplyNode = { type: string; text: string } | { type: string; items: ReplyNode[] };

/** Reads one whole reply, given as text with one character per byte. */
export function readReplyTree(reply: string): ReplyNode {
  const [node, end] = readNode(reply, 0);
  assert(end === reply.length, "a reply is one value");
  return node;
}

function readNode(reply: string, start: number): [ReplyNode, number] {
  const lineEnd = reply.indexOf("\r\n", start);
  const type = reply[start];
  const line = reply.slice(start + 1, lineEnd);
  const next = lineEnd + 2;
  if ("$=".includes(type) && line !== "-1") {
    const end = next + Number(line);
    return [{ type, text: reply.slice(next, end) }, end + 2];
  }
  if (!"*~%>".includes(type)) return [{ type, text: line }, next];
  const items: ReplyNode[] = [];
  let at = next;
  const count = Number(line) * (type === "%" ? 2 : 1);
  for (let i = 0; i < count; i++) {
    const [item, end] = readNode(reply, at);
    items.push(item);
    at = end;
  }
  return [{ type, items }, at];
}

/** The text of a leaf. */
export function textOf(node: ReplyNode): string {
  assert("text" in node, "a leaf");
  return node.text;
}

/** The children of an aggregate. */
export function itemsOf(node: ReplyNode): ReplyNode[] {
  assert("items" in node, "an aggregate");
  return node.items;
}

/** The pairs of a map, or of the array that stands for one in RESP2. */
export function pairsOf(node: ReplyNode): [string, ReplyNode][] {
  const items = itemsOf(node);
  const pairs: [string, ReplyNode][] = [];
  for (let i = 0; i < items.length; i += 2) pairs.push([textOf(items[i]), items[i + 1]]);
  return pairs;
}
