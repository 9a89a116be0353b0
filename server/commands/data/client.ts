/**
 * The CLIENT command and its subcommands.
 *
 * @module
 */

import type { CommandFlag, CommandSpec } from "../command_spec.ts";
import { block, integer, oneOf, optional, repeated, string, word } from "./notation.ts";

const OWN_CONNECTION: readonly CommandFlag[] = ["noscript", "loading", "stale"];
const OTHER_CONNECTIONS: readonly CommandFlag[] = ["admin", "noscript", "loading", "stale"];
const ALL_CLIENTS_COMPLEXITY = "O(N), N being the number of clients.";

/** The subcommands about the connection that sends them. */
const OWN_SUBCOMMANDS: readonly CommandSpec[] = [
  {
    name: "getname",
    arity: 2,
    flags: OWN_CONNECTION,
    categories: ["connection"],
    locks: "none",
    summary: "Returns the connection's name.",
    since: "2.6.9",
    complexity: "O(1)",
  },
  {
    name: "getredir",
    arity: 2,
    flags: OWN_CONNECTION,
    categories: ["connection"],
    locks: "none",
    summary: "Returns the id of the client that gets this one's invalidation messages.",
    since: "6.0.0",
    complexity: "O(1)",
  },
  {
    name: "help",
    arity: 2,
    flags: ["loading", "stale"],
    categories: ["connection"],
    locks: "none",
    summary: "Lists the subcommands.",
    since: "5.0.0",
    complexity: "O(1)",
  },
  {
    name: "id",
    arity: 2,
    flags: OWN_CONNECTION,
    categories: ["connection"],
    locks: "none",
    summary: "Returns the connection's id.",
    since: "5.0.0",
    complexity: "O(1)",
  },
  {
    name: "info",
    arity: 2,
    flags: OWN_CONNECTION,
    categories: ["connection"],
    locks: "none",
    summary: "Describes the connection, as CLIENT LIST does.",
    since: "6.2.0",
    complexity: "O(1)",
    tips: ["nondeterministic_output"],
  },
  {
    name: "reply",
    arity: 3,
    flags: OWN_CONNECTION,
    categories: ["connection"],
    locks: "none",
    summary: "Turns replies on, off, or off for one command.",
    since: "3.2.0",
    complexity: "O(1)",
    arguments: [oneOf("on_off_skip", [word("ON"), word("OFF"), word("SKIP")])],
  },
  {
    name: "setname",
    arity: 3,
    flags: OWN_CONNECTION,
    categories: ["connection"],
    locks: "none",
    summary: "Names the connection.",
    since: "2.6.9",
    complexity: "O(1)",
    arguments: [string("connection-name")],
  },
  {
    name: "trackinginfo",
    arity: 2,
    flags: OWN_CONNECTION,
    categories: ["connection"],
    locks: "none",
    summary: "Tells how the connection's reads are tracked for its cache.",
    since: "6.2.0",
    complexity: "O(1)",
  },
];

/** The subcommands about other connections too. */
const ADMINISTRATION_SUBCOMMANDS: readonly CommandSpec[] = [
  {
    name: "kill",
    arity: -3,
    flags: OTHER_CONNECTIONS,
    categories: ["connection"],
    locks: "none",
    summary: "Closes connections.",
    since: "2.4.0",
    complexity: ALL_CLIENTS_COMPLEXITY,
    history: [
      ["2.8.12", "Filters."],
      ["2.8.12", "Filter `ID`."],
      ["3.2.0", "Type `master` in filter `TYPE`."],
      ["5.0.0", "Type `replica`, for which `slave` still stands."],
      ["6.2.0", "Filter `LADDR`."],
    ],
    arguments: [oneOf("filter", [
      string("ip:port", { deprecatedSince: "2.8.12" }),
      repeated(oneOf("new-format", [
        optional(integer("client-id", { token: "ID", since: "2.8.12" })),
        optional(oneOf("normal_master_slave_pubsub", [
          word("NORMAL"),
          word("MASTER", "3.2.0"),
          word("SLAVE"),
          word("REPLICA", "5.0.0"),
          word("PUBSUB"),
        ], { token: "TYPE", since: "2.8.12" })),
        optional(string("username", { token: "USER" })),
        optional(string("ip:port", { token: "ADDR" })),
        optional(string("ip:port", { token: "LADDR", since: "6.2.0" })),
        optional(string("yes/no", { token: "SKIPME" })),
      ])),
    ])],
  },
  {
    name: "list",
    arity: -2,
    flags: OTHER_CONNECTIONS,
    categories: ["connection"],
    locks: "none",
    summary: "Describes the connections, one a line.",
    since: "2.4.0",
    complexity: ALL_CLIENTS_COMPLEXITY,
    history: [
      ["2.8.12", "Field `id`."],
      ["5.0.0", "Option `TYPE`."],
      ["6.0.0", "Field `user`."],
      ["6.2.0", "Fields `argv-mem`, `tot-mem`, `laddr` and `redir`, option `ID`."],
      ["7.0.0", "Fields `resp`, `multi-mem`, `rbs` and `rbp`."],
      ["7.0.3", "Field `ssub`."],
    ],
    tips: ["nondeterministic_output"],
    arguments: [
      optional(oneOf("normal_master_replica_pubsub", [
        word("NORMAL"),
        word("MASTER"),
        word("REPLICA"),
        word("PUBSUB"),
      ], { token: "TYPE", since: "5.0.0" })),
      optional(block("id", [repeated(integer("client-id"))], { token: "ID", since: "6.2.0" })),
    ],
  },
  {
    name: "no-evict",
    arity: 3,
    flags: OTHER_CONNECTIONS,
    categories: ["connection"],
    locks: "none",
    summary: "Exempts the connection from being closed to save memory.",
    since: "7.0.0",
    complexity: "O(1)",
    arguments: [oneOf("enabled", [word("ON"), word("OFF")])],
  },
  {
    name: "pause",
    arity: -3,
    flags: OTHER_CONNECTIONS,
    categories: ["connection"],
    locks: "none",
    summary: "Lets the clients' commands wait for some time.",
    since: "2.9.50",
    complexity: "O(1)",
    history: [["6.2.0", "Mode `WRITE` and the mode argument."]],
    arguments: [
      integer("timeout"),
      optional(oneOf("mode", [word("WRITE"), word("ALL")], { since: "6.2.0" })),
    ],
  },
  {
    name: "unblock",
    arity: -3,
    flags: OTHER_CONNECTIONS,
    categories: ["connection"],
    locks: "none",
    summary: "Ends the wait of another client's blocking command.",
    since: "5.0.0",
    complexity: "O(log N), N being the number of clients.",
    arguments: [
      integer("client-id"),
      optional(oneOf("timeout_error", [word("TIMEOUT"), word("ERROR")])),
    ],
  },
  {
    name: "unpause",
    arity: 2,
    flags: OTHER_CONNECTIONS,
    categories: ["connection"],
    locks: "none",
    summary: "Ends what CLIENT PAUSE began.",
    since: "6.2.0",
    complexity: "O(N), N being the number of paused clients.",
  },
];

/** CLIENT, with its subcommands. */
export const CLIENT: CommandSpec = {
  name: "client",
  arity: -2,
  flags: [],
  categories: [],
  locks: "none",
  summary: "Looks at connections and controls them.",
  since: "2.4.0",
  complexity: "Depends on the subcommand.",
  subcommands: [...OWN_SUBCOMMANDS, ...ADMINISTRATION_SUBCOMMANDS],
};
