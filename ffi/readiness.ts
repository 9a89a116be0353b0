/**
 * Which of many sockets have something to read, asked of the kernel in one call: Linux's epoll, and
 * the `recv` that goes with it.
 *
 * @module
 */

import { lastErrno, libc } from "./libc.ts";

/**
 * Sockets that one call of `wait` reports at most; the rest are reported by the next ones, before
 * any socket is reported again.
 */
export const READY_SOCKETS_MAX = 16;
/** `struct epoll_event` is packed on x86-64 only. */
const EVENT_WORDS = Deno.build.arch === "x86_64" ? 3 : 4;
/** Word of the event that holds what `epoll_ctl` was given: the descriptor. */
const EVENT_DESCRIPTOR_WORD = EVENT_WORDS - 2;
const EPOLL_CLOEXEC = 0x80000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
/** `EPOLLIN | EPOLLRDHUP`; errors and hang-ups are reported unasked. */
const EVENTS_READABLE = 0x1 | 0x2000;
/** `EFD_CLOEXEC | EFD_NONBLOCK`. */
const EVENT_COUNTER_FLAGS = 0x80000 | 0x800;
/** `MSG_DONTWAIT`. */
const RECEIVE_FLAGS = 0x40;
const ERRNO_INTERRUPTED = 4;
const ERRNO_AGAIN = 11;

/** `receiveNow`: nothing has arrived. */
export const RECEIVED_NOTHING: number = -1;
/** `receiveNow`: the connection is broken. */
export const RECEIVED_BROKEN: number = -2;

/**
 * Reads what has arrived on the socket `descriptor` into `bytes`, without waiting.
 *
 * @param bytes Not empty, less than 2^31 long.
 * @returns The number of bytes; 0 at the end of the stream; `RECEIVED_NOTHING`, `RECEIVED_BROKEN`.
 */
export function receiveNow(descriptor: number, bytes: Uint8Array): number {
  if (libc === null) return RECEIVED_BROKEN;
  const byteCount = libc.recv(descriptor, bytes, bytes.length, RECEIVE_FLAGS);
  if (byteCount >= 0) return byteCount;
  const errno = lastErrno();
  return errno === ERRNO_AGAIN || errno === ERRNO_INTERRUPTED ? RECEIVED_NOTHING : RECEIVED_BROKEN;
}

/**
 * A set of sockets and the ones among them that can be read. Level-triggered: a socket is reported
 * by every `wait` until what has arrived is read.
 */
export class ReadinessQueue {
  readonly #queue: number;
  readonly #bell: number;
  readonly #events = new Uint32Array(READY_SOCKETS_MAX * EVENT_WORDS);
  readonly #eventBytes = new Uint8Array(this.#events.buffer);
  readonly #request = new Uint32Array(EVENT_WORDS);
  readonly #requestBytes = new Uint8Array(this.#request.buffer);
  /** The event counter's value, and `struct pollfd` for `waitAside`: written by the kernel. */
  readonly #one = new BigUint64Array([1n]);
  readonly #poll = new Int32Array(2);

  private constructor(queue: number, bell: number) {
    this.#queue = queue;
    this.#bell = bell;
    this.#poll[0] = queue;
    this.#poll[1] = 1;
    this.add(bell);
  }

  /** An empty set; null where there is no epoll. */
  static open(): ReadinessQueue | null {
    if (libc === null) return null;
    const queue = libc.epoll_create1(EPOLL_CLOEXEC);
    if (queue < 0) return null;
    const bell = libc.eventfd(0, EVENT_COUNTER_FLAGS);
    if (bell >= 0) return new ReadinessQueue(queue, bell);
    libc.close(queue);
    return null;
  }

  /**
   * Watches a socket that is not watched yet.
   *
   * @returns False when the kernel refuses (out of memory or of watches).
   */
  add(descriptor: number): boolean {
    this.#request[0] = EVENTS_READABLE;
    this.#request[EVENT_DESCRIPTOR_WORD] = descriptor;
    return libc!.epoll_ctl(this.#queue, EPOLL_CTL_ADD, descriptor, this.#requestBytes) === 0;
  }

  /** Watches a socket no more; to be called before it is closed. */
  remove(descriptor: number): void {
    libc!.epoll_ctl(this.#queue, EPOLL_CTL_DEL, descriptor, this.#requestBytes);
  }

  /**
   * Waits until a socket is readable, for `timeoutMs` at most; the thread does nothing else
   * meanwhile.
   *
   * @returns How many are reported by `descriptorAt`, until the next `wait`.
   */
  wait(timeoutMs: number): number {
    const count = libc!.epoll_wait(this.#queue, this.#eventBytes, READY_SOCKETS_MAX, timeoutMs);
    return count < 0 ? 0 : count;
  }

  /** The `index`th socket of the last `wait`; `bell` among them when `ring` was called. */
  descriptorAt(index: number): number {
    return this.#events[index * EVENT_WORDS + EVENT_DESCRIPTOR_WORD];
  }

  /** What `descriptorAt` gives for a call of `ring`. */
  get bell(): number {
    return this.#bell;
  }

  /**
   * Resolves when a socket is readable or `ring` was called, for `wait` to tell which. Another
   * thread waits, so this one's event loop is free; one call at a time. Costs about 75 µs.
   */
  async waitAside(): Promise<void> {
    await libc!.poll_aside(this.#poll, 1n, -1);
  }

  /** Ends a `waitAside`, or the next one. */
  ring(): void {
    libc!.write(this.#bell, this.#one, 8n);
  }

  /** Takes the calls of `ring` so far as heard. */
  hush(): void {
    libc!.read(this.#bell, this.#one, 8n);
    this.#one[0] = 1n;
  }

  /** Closes the set, not its sockets. Nothing may wait on it. */
  close(): void {
    libc!.close(this.#bell);
    libc!.close(this.#queue);
  }
}
