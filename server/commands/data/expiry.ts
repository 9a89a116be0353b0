/**
 * Commands of the group `generic` about when keys expire.
 *
 * @module
 */

import type { ArgumentSpec, CommandSpec } from "../command_spec.ts";
import { integer, key, keyAt, oneOf, optional, unixTime, word } from "./notation.ts";

const CONDITION = optional(
  oneOf("condition", [word("NX"), word("XX"), word("GT"), word("LT")], { since: "7.0.0" }),
);

/** One of the four commands that set when a key expires; they differ in their second argument. */
function expireCommand(
  name: string,
  since: string,
  summary: string,
  moment: ArgumentSpec,
): CommandSpec {
  return {
    name,
    arity: -3,
    flags: ["write", "fast"],
    categories: ["keyspace"],
    keys: [keyAt(1, "RW", "update")],
    locks: "keys",
    summary,
    since,
    complexity: "O(1)",
    history: [["7.0.0", "Options `NX`, `XX`, `GT` and `LT`."]],
    arguments: [key(), moment, CONDITION],
  };
}

/** One of the commands that tell when a key expires. */
function expiryReader(
  name: string,
  since: string,
  summary: string,
  remaining: boolean,
): CommandSpec {
  const common: CommandSpec = {
    name,
    arity: 2,
    flags: ["readonly", "fast"],
    categories: ["keyspace"],
    keys: [keyAt(1, "RO", "access")],
    locks: "keys",
    summary,
    since,
    complexity: "O(1)",
    arguments: [key()],
  };
  if (!remaining) return common;
  return {
    ...common,
    history: [["2.8.0", "Replies -2 when there is no such key."]],
    tips: ["nondeterministic_output"],
  };
}

/** The commands that set, clear and read a key's expiry. */
export const EXPIRY_COMMANDS: readonly CommandSpec[] = [
  expireCommand("expire", "1.0.0", "Lets a key expire after some seconds.", integer("seconds")),
  expireCommand(
    "expireat",
    "1.2.0",
    "Lets a key expire at a Unix time in seconds.",
    unixTime("unix-time-seconds"),
  ),
  expireCommand(
    "pexpire",
    "2.6.0",
    "Lets a key expire after some milliseconds.",
    integer("milliseconds"),
  ),
  expireCommand(
    "pexpireat",
    "2.6.0",
    "Lets a key expire at a Unix time in milliseconds.",
    unixTime("unix-time-milliseconds"),
  ),
  expiryReader("expiretime", "7.0.0", "Returns the Unix second at which a key expires.", false),
  expiryReader(
    "pexpiretime",
    "7.0.0",
    "Returns the Unix millisecond at which a key expires.",
    false,
  ),
  expiryReader("ttl", "1.0.0", "Returns the seconds that a key has left.", true),
  expiryReader("pttl", "2.6.0", "Returns the milliseconds that a key has left.", true),
  {
    name: "persist",
    arity: 2,
    flags: ["write", "fast"],
    categories: ["keyspace"],
    keys: [keyAt(1, "RW", "update")],
    locks: "keys",
    summary: "Lets a key live until it is deleted.",
    since: "2.2.0",
    complexity: "O(1)",
    arguments: [key()],
  },
];
