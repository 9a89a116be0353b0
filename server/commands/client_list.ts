/**
 * How clients are described (`CLIENT LIST` and `INFO`) and picked (`CLIENT LIST` and `KILL`).
 *
 * @module
 */

import type { Arguments } from "../arguments.ts";
import type { Client } from "../client.ts";
import type { ClientFilter, ClientType } from "../control_plane.ts";

const MS_PER_SECOND = 1000;
/** About what a connection's objects take beside its buffers. */
const CLIENT_BYTES = 2048;
const LINE_ID = /^id=(\d+) /;

/** The filter that every client passes. */
export const EVERY_CLIENT: ClientFilter = {
  ids: null,
  type: null,
  address: null,
  localAddress: null,
  user: null,
  skippedId: null,
};

/** Whether `client` passes every part of `filter`. */
export function clientMatches(client: Client, filter: ClientFilter): boolean {
  if (client.id === filter.skippedId) return false;
  if (filter.ids !== null && !filter.ids.includes(client.id)) return false;
  if (filter.type !== null && filter.type !== typeOfClient(client)) return false;
  if (filter.user !== null && filter.user !== client.user) return false;
  const { connection } = client;
  if (filter.address !== null && filter.address !== connection.remoteAddress) return false;
  return filter.localAddress === null || filter.localAddress === connection.localAddress;
}

/** The clients of a worker that pass `filter`, each once. O(clients), or O(ids) when it has ids. */
export function matchingClients(
  clients: ReadonlyMap<number, Client>,
  filter: ClientFilter,
): Client[] {
  if (filter.ids === null) {
    return [...clients.values()].filter((client) => clientMatches(client, filter));
  }
  const matching: Client[] = [];
  const others = { ...filter, ids: null };
  for (const id of new Set(filter.ids)) {
    const client = clients.get(id);
    if (client !== undefined && clientMatches(client, others)) matching.push(client);
  }
  return matching;
}

/** Every connection is a plain client: there is no replication and no subscription. */
function typeOfClient(_client: Client): ClientType {
  return "normal";
}

/** The type of client that argument `index` names, in any case, or null. */
export function clientTypeArgument(args: Arguments, index: number): ClientType | null {
  if (args.is(index, "normal")) return "normal";
  if (args.is(index, "master")) return "master";
  if (args.is(index, "replica") || args.is(index, "slave")) return "replica";
  return args.is(index, "pubsub") ? "pubsub" : null;
}

/**
 * One client as `CLIENT LIST` shows it, without a line end.
 *
 * The fields are Redis's. `rbs` and `rbp` are the reply buffer's
 * room and use, `oll` and `omem` are the chunks and bytes that wait to be sent.
 *
 * @param argumentBytes Bytes of the arguments of the command it executes.
 */
export function describeClient(client: Client, nowMs: number, argumentBytes: number): string {
  const { connection, reply } = client;
  const queryBytes = connection.queryBufferBytes;
  const queryFreeBytes = connection.queryBufferFreeBytes;
  const outputBytes = connection.outputBytes;
  const replyBytes = reply.bytes.length;
  const totalBytes = CLIENT_BYTES + queryBytes + queryFreeBytes + replyBytes + outputBytes;
  return `id=${client.id} addr=${connection.remoteAddress} laddr=${connection.localAddress}` +
    ` fd=${connection.descriptor} name=${client.name} age=${
      secondsSince(client.createdAtMs, nowMs)
    }` +
    ` idle=${secondsSince(connection.lastActivityMs, nowMs)} flags=${flagsOf(client)}` +
    ` db=${client.database} sub=0 psub=0 ssub=0 multi=-1` +
    ` qbuf=${queryBytes} qbuf-free=${queryFreeBytes} argv-mem=${argumentBytes} multi-mem=0` +
    ` rbs=${replyBytes} rbp=${reply.lengthBytes} obl=${reply.lengthBytes}` +
    ` oll=${connection.outputChunkCount} omem=${outputBytes} tot-mem=${totalBytes}` +
    ` events=${outputBytes > 0 ? "rw" : "r"} cmd=${client.lastCommand} user=${client.user}` +
    ` redir=-1 resp=${reply.protocol}`;
}

/** Bytes of the arguments that `args` holds. */
export function argumentBytesOf(args: Arguments): number {
  let totalBytes = 0;
  for (let index = 0; index < args.count; index++) totalBytes += args.lengths[index];
  return totalBytes;
}

/**
 * Puts the lines of all workers into the order of `CLIENT LIST`: as the clients came, or as `ids`
 * names them, again for an id named again.
 */
export function mergeClientLines(
  answers: readonly string[],
  ids: readonly number[] | null,
): string {
  const lines = new Map<number, string>();
  for (const answer of answers) {
    for (const line of answer.split("\n")) {
      const id = LINE_ID.exec(line);
      if (id !== null) lines.set(Number(id[1]), line);
    }
  }
  const order = ids ?? [...lines.keys()].sort((first, second) => first - second);
  let text = "";
  for (const id of order) {
    const line = lines.get(id);
    if (line !== undefined) text += `${line}\n`;
  }
  return text;
}

function secondsSince(momentMs: number, nowMs: number): number {
  return Math.max(0, Math.floor((nowMs - momentMs) / MS_PER_SECOND));
}

function flagsOf(client: Client): string {
  let flags = "";
  if (client.isBlocked || client.isPostponed) flags += "b";
  if (client.closeAfterReply) flags += "c";
  if (client.connection.remoteAddress.startsWith("/")) flags += "U";
  if (client.noEvict) flags += "e";
  return flags === "" ? "N" : flags;
}
