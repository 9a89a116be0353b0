/**
 * The stand-in of a blocked client: what a worker runs the client's command with while the client
 * itself is on another worker, or waits.
 *
 * @module
 */

import { Arguments } from "../arguments.ts";
import { Client, type ClientConnection } from "../client.ts";
import type { WorkerContext } from "../context.ts";
import { ReplyWriter } from "../resp/reply_writer.ts";
import { BufferPool } from "../transport/buffer_pool.ts";

/** The id of a client that is none: those of connections start with 1. */
const NO_CLIENT_ID = 0;

/** A connection that nothing is behind. */
const CONNECTION: ClientConnection = {
  remoteAddress: "",
  localAddress: "",
  descriptor: -1,
  lastActivityMs: 0,
  queryBufferBytes: 0,
  queryBufferFreeBytes: 0,
  outputBytes: 0,
  outputChunkCount: 0,
  memoryBytes: 0,
  isClosed: false,
  close: () => {},
  tick: () => {},
};

/** A client whose replies go nowhere: whoever uses it reads `reply` and takes it back. */
export function createStandIn(context: WorkerContext): Client {
  const client = new Client(NO_CLIENT_ID, context, CONNECTION, new ReplyWriter(new BufferPool()));
  client.args = new Arguments();
  client.denyBlocking = true;
  return client;
}
