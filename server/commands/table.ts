/**
 * The command table: every command as data. It drives dispatch, arity errors, key positions, ACL
 * categories and the COMMAND family.
 *
 * @module
 */

import { assert } from "../../engine/assert.ts";
import type { Arguments } from "../arguments.ts";
import type { Client } from "../client.ts";
import { CommandNames, NAME_UNKNOWN } from "./command_names.ts";
import {
  aclCategoryBit,
  type CommandFlag,
  commandFlagBit,
  type CommandGroup,
  type CommandSpec,
  impliedCategories,
  type KeySpec,
  type LockScope,
} from "./command_spec.ts";
import { findKeys, keyRangeOf, KEYS_INVALID } from "./key_positions.ts";

export type { LockScope } from "./command_spec.ts";
export { KEYS_INVALID } from "./key_positions.ts";

/** Executes one command. A promise holds back the connection's next command until it settles. */
export type Handler = (client: Client) => void | Promise<void>;

/** Handlers by full command name in lower case: `get`, `config|get`. */
export type Handlers = Record<string, Handler>;

/** What a command is made from. */
interface CommandOrigin {
  readonly spec: CommandSpec;
  readonly group: string;
  readonly parent: Command | null;
  readonly index: number;
  readonly handler: Handler;
}

/** One command or subcommand, ready for dispatch. Immutable once the table is built. */
export class Command {
  /** The data it is made from. */
  readonly spec: CommandSpec;
  /** Documentation group. */
  readonly group: string;
  /** `get`, `config|get`. */
  readonly fullName: string;
  /** The container of a subcommand, else null. */
  readonly parent: Command | null;
  /** Dense number over commands and subcommands, from 0. */
  readonly index: number;
  /** Executes it. */
  readonly handler: Handler;
  /** What dispatch locks for it. */
  readonly locks: LockScope;
  /** Arguments with the name; negative: at least that many. */
  readonly arity: number;
  /** Bits of `commandFlagBit`. */
  readonly flagBits: number;
  /** Bits of `aclCategoryBit`. */
  readonly categoryBits: number;
  /** May change the keyspace. */
  readonly isWrite: boolean;
  /** Reads keys and changes none. */
  readonly isReadonly: boolean;
  /** Refused when memory is short. */
  readonly denyOom: boolean;
  /** Allowed before the client has authenticated. */
  readonly noAuth: boolean;
  /** Takes about as long at every call: the time of some tells that of all. */
  readonly isEven: boolean;
  /** First key's argument index; 0 when no key has a fixed place. */
  readonly firstKey: number;
  /** Last key's; negative: from the end of the command, -1 being the last argument. */
  readonly lastKey: number;
  /** From one key to the next. */
  readonly keyStep: number;
  /** Where the keys are. */
  readonly keySpecs: readonly KeySpec[];
  /** Subcommands in the table's order; empty when it is no container. */
  readonly subcommands: Command[] = [];

  readonly #hasOnlyFixedKeys: boolean;
  #subcommandNames: CommandNames | null = null;

  /** Called by the table alone. */
  constructor(origin: CommandOrigin) {
    const { spec, parent } = origin;
    assert(spec.arity !== 0, "a command counts its name");
    this.spec = spec;
    this.group = origin.group;
    this.parent = parent;
    this.fullName = parent === null ? spec.name : `${parent.fullName}|${spec.name}`;
    this.index = origin.index;
    this.handler = origin.handler;
    this.locks = spec.locks;
    this.arity = spec.arity;
    this.keySpecs = spec.keys ?? [];
    const range = keyRangeOf(this.keySpecs);
    this.#hasOnlyFixedKeys = !range.isPartial;
    this.firstKey = range.first;
    this.lastKey = range.last;
    this.keyStep = range.step;
    assert(
      spec.locks !== "keys" || this.keySpecs.length > 0,
      "keys are locked only if there are any",
    );
    let flagBits = 0;
    for (const flag of spec.flags) flagBits |= commandFlagBit(flag);
    this.flagBits = flagBits;
    let categoryBits = 0;
    for (const category of impliedCategories(spec.flags)) categoryBits |= aclCategoryBit(category);
    for (const category of spec.categories) categoryBits |= aclCategoryBit(category);
    this.categoryBits = categoryBits;
    this.isWrite = this.has("write");
    this.isReadonly = this.has("readonly");
    this.denyOom = this.has("denyoom");
    this.noAuth = this.has("no_auth");
    this.isEven = spec.locks === "keys" || this.has("fast");
  }

  /** Whether the command has `flag`. For cold paths; hot ones read the booleans. */
  has(flag: CommandFlag): boolean {
    return (this.flagBits & commandFlagBit(flag)) !== 0;
  }

  /** Whether `argumentCount` arguments, names included, are neither too few nor too many. */
  arityAccepts(argumentCount: number): boolean {
    return this.arity > 0 ? argumentCount === this.arity : argumentCount >= -this.arity;
  }

  /**
   * Finds the keys of a call.
   *
   * @param positions Filled with the argument indices of the keys; has room for `args.count`.
   * @param offset Index of the command's name in `args`.
   * @returns The number of keys, or `KEYS_INVALID` when the arguments do not tell where they are.
   */
  keys(args: Arguments, positions: Int32Array, offset = 0): number {
    if (!this.#hasOnlyFixedKeys) return this.#movableKeys(args, positions, offset);
    if (this.firstKey === 0) return 0;
    const last = this.lastKey < 0 ? args.count + this.lastKey : offset + this.lastKey;
    let count = 0;
    for (let i = offset + this.firstKey; i <= last && i < args.count; i += this.keyStep) {
      positions[count++] = i;
    }
    return count;
  }

  /** As `keys`, for dispatch: the keys that the handler will use, whatever the words beside them. */
  lockedKeys(args: Arguments, positions: Int32Array): number {
    const { keyPositions } = this.spec;
    return keyPositions === undefined ? this.keys(args, positions) : keyPositions(args, positions);
  }

  /** The subcommand whose name lies in `bytes`, in any case, or null. */
  findSubcommand(bytes: Uint8Array, start: number, lengthBytes: number): Command | null {
    if (this.#subcommandNames === null) return null;
    const number = this.#subcommandNames.find(bytes, start, lengthBytes);
    return number === NAME_UNKNOWN ? null : this.subcommands[number];
  }

  /** Completes a container; called once, by the table. */
  adopt(subcommands: readonly Command[]): void {
    assert(this.subcommands.length === 0, "a container is completed once");
    this.subcommands.push(...subcommands);
    this.#subcommandNames = new CommandNames(subcommands.map((command) => command.spec.name));
  }

  #movableKeys(args: Arguments, positions: Int32Array, offset: number): number {
    let count = 0;
    for (const spec of this.keySpecs) {
      const found = findKeys(spec, args, offset, positions, count);
      // A keyword that is not there is an option not given, in a command that has other keys.
      if (found === KEYS_INVALID && count > 0 && spec.beginSearch.type === "keyword") continue;
      if (found === KEYS_INVALID) return KEYS_INVALID;
      count += found;
    }
    return count;
  }
}

/** All commands of the server. */
export class CommandTable {
  /** Commands without subcommands' own entries, in the table's order. */
  readonly commands: readonly Command[];
  /** Commands and subcommands by `Command.index`. */
  readonly all: readonly Command[];
  readonly #names: CommandNames;

  /**
   * Binds each command of `groups` to its handler.
   *
   * Throws `AssertionFailure` when a command that can be called has no handler, or when a handler
   * has no command: the table describes what works, all of it and nothing else.
   */
  constructor(groups: readonly CommandGroup[], handlers: Handlers) {
    const all: Command[] = [];
    const commands: Command[] = [];
    for (const group of groups) {
      for (const spec of group.commands) {
        commands.push(buildCommand(spec, group.name, null, handlers, all));
      }
    }
    this.commands = commands;
    this.all = all;
    this.#names = new CommandNames(commands.map((command) => command.spec.name));
    for (const name of Object.keys(handlers)) {
      const known = all.some((command) => command.fullName === name);
      assert(known, `a handler has its command: ${name}`);
    }
  }

  /** The command, not a subcommand, whose name lies in `bytes`, in any case, or null. O(length). */
  find(bytes: Uint8Array, start: number, lengthBytes: number): Command | null {
    const number = this.#names.find(bytes, start, lengthBytes);
    return number === NAME_UNKNOWN ? null : this.commands[number];
  }

  /**
   * The command or subcommand that `args` calls, or null; `lookupError` then says what is wrong.
   *
   * A container without arguments is returned itself: its arity refuses it.
   *
   * @param offset Index of the command's name in `args`.
   */
  resolve(args: Arguments, offset = 0): Command | null {
    const number = this.#names.find(args.bytes, args.starts[offset], args.lengths[offset]);
    if (number === NAME_UNKNOWN) return null;
    const command = this.commands[number];
    if (command.subcommands.length === 0 || args.count <= offset + 1) return command;
    return command.findSubcommand(args.bytes, args.starts[offset + 1], args.lengths[offset + 1]);
  }

  /** The command with this full name (`config|get`), in any case, or null. */
  byFullName(fullName: string): Command | null {
    const folded = fullName.toLowerCase();
    return this.all.find((command) => command.fullName === folded) ?? null;
  }
}

function buildCommand(
  spec: CommandSpec,
  group: string,
  parent: Command | null,
  handlers: Handlers,
  all: Command[],
): Command {
  const fullName = parent === null ? spec.name : `${parent.fullName}|${spec.name}`;
  const subcommands = spec.subcommands ?? [];
  const bound = Object.hasOwn(handlers, fullName) ? handlers[fullName] : undefined;
  // A container that wants a subcommand is refused by its arity when it is called without one.
  const isMereContainer = subcommands.length > 0 && spec.arity <= -2;
  assert(bound !== undefined || isMereContainer, `a command has its handler: ${fullName}`);
  const handler = bound ?? containerHandler;
  const command = new Command({ spec, group, parent, index: all.length, handler });
  all.push(command);
  if (subcommands.length > 0) {
    command.adopt(
      subcommands.map((child) => buildCommand(child, group, command, handlers, all)),
    );
  }
  return command;
}

function containerHandler(): void {
  assert(false, "a container is never executed");
}
