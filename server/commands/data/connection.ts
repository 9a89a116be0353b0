/**
 * Commands of the group `connection`.
 *
 * @module
 */

import type { CommandFlag, CommandGroup, CommandSpec } from "../command_spec.ts";
import { CLIENT } from "./client.ts";
import { block, integer, optional, string } from "./notation.ts";

/** Allowed before authentication, while loading, in the middle of a slow script. */
const ALWAYS_ALLOWED: readonly CommandFlag[] = [
  "noscript",
  "loading",
  "stale",
  "fast",
  "no_auth",
  "allow_busy",
];

const CONNECTION_COMMANDS: readonly CommandSpec[] = [
  {
    name: "auth",
    arity: -2,
    flags: ALWAYS_ALLOWED,
    categories: ["connection"],
    locks: "none",
    summary: "Proves who the client is.",
    since: "1.0.0",
    complexity: "O(N), N being the number of the user's passwords.",
    history: [["6.0.0", "Takes a user name too."]],
    arguments: [optional(string("username", { since: "6.0.0" })), string("password")],
  },
  {
    name: "echo",
    arity: 2,
    flags: ["loading", "stale", "fast"],
    categories: ["connection"],
    locks: "none",
    summary: "Returns its argument.",
    since: "1.0.0",
    complexity: "O(1)",
    arguments: [string("message")],
  },
  {
    name: "hello",
    arity: -1,
    flags: ALWAYS_ALLOWED,
    categories: ["connection"],
    locks: "none",
    summary: "Agrees on the protocol and describes the server.",
    since: "6.0.0",
    complexity: "O(1)",
    history: [["6.2.0", "Without a protocol version it only describes the connection."]],
    arguments: [
      optional(block("arguments", [
        integer("protover"),
        optional(
          block("username_password", [string("username"), string("password")], { token: "AUTH" }),
        ),
        optional(string("clientname", { token: "SETNAME" })),
      ])),
    ],
  },
  {
    name: "ping",
    arity: -1,
    flags: ["fast"],
    categories: ["connection"],
    locks: "none",
    summary: "Answers, to show that the server lives.",
    since: "1.0.0",
    complexity: "O(1)",
    tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
    arguments: [optional(string("message"))],
  },
  {
    name: "quit",
    arity: -1,
    flags: ALWAYS_ALLOWED,
    categories: ["connection"],
    locks: "none",
    summary: "Ends the connection after the reply.",
    since: "1.0.0",
    complexity: "O(1)",
  },
  {
    name: "reset",
    arity: 1,
    flags: ALWAYS_ALLOWED,
    categories: ["connection"],
    locks: "none",
    summary: "Puts the connection back into the state of a new one.",
    since: "6.2.0",
    complexity: "O(1)",
  },
  {
    name: "select",
    arity: 2,
    flags: ["loading", "stale", "fast"],
    categories: ["connection"],
    locks: "none",
    summary: "Chooses the database of the commands that follow.",
    since: "1.0.0",
    complexity: "O(1)",
    arguments: [integer("index")],
  },
];

/** The commands about the connection itself. */
export const CONNECTION_GROUP: CommandGroup = {
  name: "connection",
  commands: [...CONNECTION_COMMANDS, CLIENT],
};
