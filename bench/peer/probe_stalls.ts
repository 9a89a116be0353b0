/**
 * A child process that sends PING about every millisecond and, when its standard input ends, prints
 * the longest time a reply took, in milliseconds: `probe_stalls.ts PORT`.
 *
 * A server whose event loop stands still for n milliseconds answers some PING that much late. What
 * the kernel's scheduler adds is in the figure too, on either side.
 *
 * @module
 */

import { RespClient } from "../../tests/support/resp_client.ts";

const INTERVAL_MS = 1;

if (import.meta.main) console.log(JSON.stringify(await probe(Number(Deno.args[0]))));

/** Probes until standard input ends. */
async function probe(port: number): Promise<number> {
  using client = await RespClient.connect({ port });
  let stopped = false;
  const ended = Deno.stdin.readable.pipeTo(new WritableStream()).then(() => stopped = true);
  await client.command("PING");
  let longestMs = 0;
  while (!stopped) {
    const sentAt = performance.now();
    await client.command("PING");
    longestMs = Math.max(longestMs, performance.now() - sentAt);
    await new Promise((wake) => setTimeout(wake, INTERVAL_MS));
  }
  await ended;
  return longestMs;
}
