/**
 * The same words said to redis-server and to Numaris, and their answers side by side.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { startNumaris } from "../../support/numaris_server.ts";
import { startRedis } from "../../support/redis_server.ts";
import type { Argument, RespClient } from "../../support/resp_client.ts";
import type { ServerProcess } from "../../support/server_process.ts";

/** A redis-server and a Numaris. `await using` stops both. */
export class TwoServers implements AsyncDisposable {
  readonly redis: ServerProcess;
  readonly numaris: ServerProcess;

  private constructor(redis: ServerProcess, numaris: ServerProcess) {
    this.redis = redis;
    this.numaris = numaris;
  }

  /** Starts both, Numaris with `workers` workers. */
  static async start(workers = 1): Promise<TwoServers> {
    const [redis, numaris] = await Promise.all([startRedis(), startNumaris({ workers })]);
    return new TwoServers(redis, numaris);
  }

  /** One connection to each. */
  async connect(): Promise<TwoClients> {
    const [redis, numaris] = await Promise.all([this.redis.connect(), this.numaris.connect()]);
    return new TwoClients(redis, numaris);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.redis[Symbol.asyncDispose](), this.numaris[Symbol.asyncDispose]()]);
  }
}

/** A connection to redis-server and one to Numaris that say the same. */
export class TwoClients implements Disposable {
  readonly redis: RespClient;
  readonly numaris: RespClient;

  constructor(redis: RespClient, numaris: RespClient) {
    this.redis = redis;
    this.numaris = numaris;
  }

  /** Both replies to a command, as text with one character per byte. */
  async ask(...parts: Argument[]): Promise<{ redis: string; numaris: string }> {
    const [redis, numaris] = await Promise.all([
      this.redis.text(...parts),
      this.numaris.text(...parts),
    ]);
    return { redis, numaris };
  }

  /** Asserts that both reply the same bytes to each command; numbers after `id` may differ. */
  async assertSame(commands: readonly (readonly Argument[])[]): Promise<void> {
    for (const parts of commands) {
      const { redis, numaris } = await this.ask(...parts);
      assertEquals(withoutClientId(numaris), withoutClientId(redis), `reply to ${parts.join(" ")}`);
    }
  }

  [Symbol.dispose](): void {
    this.redis.close();
    this.numaris.close();
  }
}

/** `text` as arguments, at its spaces; `\x20` and the like stand for bytes. */
export function words(text: string): Argument[] {
  return text.split(" ").map((word) => {
    const plain = word.replace(
      /\\x([0-9a-f]{2})/g,
      (_, digits: string) => String.fromCharCode(parseInt(digits, 16)),
    );
    return Uint8Array.from(plain, (character) => character.charCodeAt(0));
  });
}

function withoutClientId(reply: string): string {
  return reply.replace(/\r\nid\r\n:\d+\r\n/, "\r\nid\r\n:0\r\n");
}
