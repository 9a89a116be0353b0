/**
 * LCS: the longest common subsequence of two strings, by dynamic programming over their prefixes.
 *
 * O(n·m) time and 4·(n+1)·(m+1) bytes, bounded by `proto-max-bulk-len` as in Redis. Ranges are
 * found walking back from the ends, in the order and with the ties in which Redis reports them.
 *
 * @module
 */

import { NONE, StringView, viewString } from "../../engine/mod.ts";
import { entryType, TYPE_STRING } from "../../engine/mod.ts";
import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { findKey, numberArgument, shardOfKey, SYNTAX_ERROR } from "./keys.ts";
import type { Handler } from "./table.ts";

const VIEW = new StringView();
const CELL_BYTES = 4;

interface LcsOptions {
  wantsLength: boolean;
  wantsRanges: boolean;
  wantsMatchLengths: boolean;
  matchLengthMin: number;
}

/** A stretch that both strings share: first and last index in each. */
interface Match {
  firstA: number;
  lastA: number;
  firstB: number;
  lastB: number;
}

interface Subsequence {
  bytes: Uint8Array;
  matches: Match[];
}

/** LCS key1 key2 [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN] */
function lcs(client: Client): void {
  const a = stringArgument(client, 1);
  const b = stringArgument(client, 2);
  const options = readOptions(client);
  const cells = (a.length + 1) * (b.length + 1);
  if (cells * CELL_BYTES > client.context.config.protoMaxBulkBytes) {
    throw new CommandError(
      "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
    );
  }
  const lengths = prefixLengths(a, b);
  const lengthBytes = lengths[cells - 1];
  if (options.wantsLength) {
    client.reply.integer(lengthBytes);
    return;
  }
  const subsequence = walkBack(a, b, lengths, lengthBytes);
  if (options.wantsRanges) replyRanges(client, subsequence.matches, lengthBytes, options);
  else client.reply.bulk(subsequence.bytes, 0, lengthBytes);
}

function stringArgument(client: Client, index: number): Uint8Array {
  const shard = shardOfKey(client, index);
  const ref = findKey(client, shard, index);
  if (ref === NONE) return new Uint8Array(0);
  if (entryType(shard.window, ref) !== TYPE_STRING) {
    throw new CommandError("ERR The specified keys must contain string values");
  }
  viewString(shard, ref, VIEW);
  return VIEW.bytes.slice(VIEW.start, VIEW.start + VIEW.lengthBytes);
}

function readOptions(client: Client): LcsOptions {
  const args = client.args;
  const options: LcsOptions = {
    wantsLength: false,
    wantsRanges: false,
    wantsMatchLengths: false,
    matchLengthMin: 0,
  };
  for (let i = 3; i < args.count; i++) {
    if (args.is(i, "idx")) options.wantsRanges = true;
    else if (args.is(i, "len")) options.wantsLength = true;
    else if (args.is(i, "withmatchlen")) options.wantsMatchLengths = true;
    else if (args.is(i, "minmatchlen") && i + 1 < args.count) {
      options.matchLengthMin = Math.max(0, numberArgument(client, ++i));
    } else throw new CommandError(SYNTAX_ERROR);
  }
  if (options.wantsRanges && options.wantsLength) {
    throw new CommandError(
      "ERR If you want both the length and indexes, please just use IDX.",
    );
  }
  return options;
}

/** For all prefixes of `a` (rows) and `b` (columns), the length of their common subsequence. */
function prefixLengths(a: Uint8Array, b: Uint8Array): Uint32Array {
  const columns = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * columns);
  for (let i = 1; i <= a.length; i++) {
    const row = i * columns;
    for (let j = 1; j <= b.length; j++) {
      lengths[row + j] = a[i - 1] === b[j - 1]
        ? lengths[row - columns + j - 1] + 1
        : Math.max(lengths[row - columns + j], lengths[row + j - 1]);
    }
  }
  return lengths;
}

/** The subsequence itself and its stretches, the last one first. */
function walkBack(
  a: Uint8Array,
  b: Uint8Array,
  lengths: Uint32Array,
  lengthBytes: number,
): Subsequence {
  const columns = b.length + 1;
  const bytes = new Uint8Array(lengthBytes);
  const matches: Match[] = [];
  let open: Match | null = null;
  let at = lengthBytes;
  let i = a.length;
  let j = b.length;
  while (i > 0 && j > 0) {
    let isClosed = false;
    if (a[i - 1] === b[j - 1]) {
      bytes[--at] = a[i - 1];
      if (open === null) {
        open = { firstA: i - 1, lastA: i - 1, firstB: j - 1, lastB: j - 1 };
      } else {
        open.firstA--;
        open.firstB--;
      }
      isClosed = open.firstA === 0 || open.firstB === 0;
      i--;
      j--;
    } else {
      if (lengths[(i - 1) * columns + j] > lengths[i * columns + j - 1]) i--;
      else j--;
      isClosed = open !== null;
    }
    if (isClosed && open !== null) {
      matches.push(open);
      open = null;
    }
  }
  return { bytes, matches };
}

function replyRanges(
  client: Client,
  matches: Match[],
  lengthBytes: number,
  options: LcsOptions,
): void {
  const reply = client.reply;
  const long = matches.filter((match) => match.lastA - match.firstA + 1 >= options.matchLengthMin);
  reply.map(2);
  reply.bulkText("matches");
  reply.array(long.length);
  for (const match of long) {
    reply.array(options.wantsMatchLengths ? 3 : 2);
    reply.array(2);
    reply.integer(match.firstA);
    reply.integer(match.lastA);
    reply.array(2);
    reply.integer(match.firstB);
    reply.integer(match.lastB);
    if (options.wantsMatchLengths) reply.integer(match.lastA - match.firstA + 1);
  }
  reply.bulkText("len");
  reply.integer(lengthBytes);
}

/** The handlers of this file by command name. */
export const handlers: Record<string, Handler> = { lcs };
