/**
 * A grammar of the connection and server commands, as far as two servers can give one answer.
 *
 * @module
 */

import fc from "fast-check";
import { command, integerText, key, keyword, maybe, options, single, value } from "./grammar.ts";
import type { Argument } from "../support/resp_client.ts";
import type { Step } from "./step.ts";

const shape = { comparison: "shape" } as const;
/** Without its argument the command would do something else, and not the same on both servers. */
const fixed = { mayBeMalformed: false };
const unordered = { comparison: "unordered" } as const;
const word = fc.constantFrom("x", "", "no such thing", "a\r\nb");
const clientName = fc.constantFrom<Argument>("me", "a b", "", "ünï", new Uint8Array([1, 255]));
const protocol = fc.constantFrom("2", "3", "1", "4", "x", "");

const configurationName = fc.constantFrom(
  ...["maxmemory", "maxmemory-policy", "timeout", "tcp-keepalive", "proto-max-bulk-len", "hz"],
  ...["client-query-buffer-limit", "maxclients", "loglevel", "MAXMEMORY", "no-such-parameter"],
);
const configurationValue = fc.constantFrom("0", "1", "10", "yes", "100mb", "1gb", "-1", "x", "");
/** Parameters that may be set to any of the values without an effect on the sequences. */
const settableName = fc.constantFrom("timeout", "tcp-keepalive", "no-such-parameter", "TIMEOUT");

/** Commands about the connection. */
export const connectionCommands: fc.Arbitrary<Step>[] = [
  command("PING", [maybe(value)]),
  command("ECHO", [value]),
  command("SELECT", [fc.constantFrom("0", "1", "15", "16", "-1", "x", "1.0", " 1")]),
  command("AUTH", [value]),
  command("AUTH", [fc.constantFrom("default", "nobody"), value]),
  command("HELLO", [maybe(protocol)], shape),
  command("HELLO", [protocol, keyword("SETNAME"), clientName], shape),
  command("HELLO", [protocol, keyword("AUTH"), word, word], shape),
  command("HELLO", [protocol, options(keyword("AUTH"), keyword("SETNAME"), word)], shape),
  command("RESET", []),
  command("CLIENT ID", [], shape),
  command("CLIENT GETNAME", []),
  command("CLIENT SETNAME", [clientName]),
  command("CLIENT INFO", [], shape),
  command("CLIENT LIST", [], shape),
  command("CLIENT LIST", [keyword("TYPE"), fc.constantFrom("normal", "master", "x")], shape),
  command("CLIENT LIST", [keyword("ID"), fc.constantFrom("99999999", "x", "0")], shape),
  command("CLIENT KILL", [fc.constantFrom("1.2.3.4:5", "x", "")]),
  command("CLIENT KILL", [
    fc.constantFrom("ID", "ADDR", "LADDR", "TYPE", "USER", "NOSUCHFILTER"),
    fc.constantFrom("987654321", "1.2.3.4:5", "master", "x", "0", "-1"),
  ]),
  command("CLIENT NO-EVICT", [fc.constantFrom("on", "off", "ON", "x")]),
  command("CLIENT REPLY", [fc.constantFrom("on", "ON", "x")]),
  command("CLIENT PAUSE", [fc.constantFrom("0", "1", "-1", "x"), maybe(keyword("WRITE"), word)]),
  command("CLIENT UNPAUSE", []),
  command("CLIENT UNBLOCK", [integerText, maybe(keyword("TIMEOUT"), keyword("ERROR"), word)]),
  command("CLIENT", [fc.constantFrom("NOPE", "", "GETNAMES")]),
];

/** Commands about the server. */
export const serverCommands: fc.Arbitrary<Step>[] = [
  command("TIME", [], shape),
  command("INFO", [], shape),
  command("INFO", [fc.constantFrom("server", "keyspace", "nope", "everything")], shape),
  command("DBSIZE", []),
  command("LOLWUT", [], shape),
  command("LOLWUT", [keyword("VERSION"), fc.constantFrom("5", "6", "x")], shape),
  command("SWAPDB", [
    fc.constantFrom("0", "1", "16", "-1", "x"),
    fc.constantFrom("0", "1", "16", "x"),
  ]),
  command("FLUSHALL", [maybe(keyword("SYNC"), keyword("ASYNC"), word)]),
  command("FLUSHDB", [maybe(keyword("SYNC"), keyword("ASYNC"), word)]),
  command("CONFIG GET", [fc.array(configurationName, { minLength: 1, maxLength: 3 })], unordered),
  command("CONFIG SET", [settableName, configurationValue]),
  command("CONFIG SET", [settableName, configurationValue, settableName, configurationValue]),
  command("CONFIG RESETSTAT", []),
  command("CONFIG REWRITE", []),
  command("CONFIG", [fc.constantFrom("NOPE", "", "GETT")]),
  command("SHUTDOWN", [fc.constantFrom("nope", "")], fixed),
  command("SHUTDOWN", [keyword("ABORT")], fixed),
  command("DEBUG", [fc.constantFrom("SLEEP", "NOPE", "JMAP"), maybe(fc.constant("0"))]),
  command("MEMORY USAGE", [key, maybe(fc.constant(["SAMPLES", "5"]), word)], shape),
  command("MEMORY", [fc.constantFrom("NOPE", "")]),
  command("MEMORY PURGE", []),
  command("COMMAND COUNT", [], shape),
  command("COMMAND GETKEYS", [
    fc.constantFrom("GET", "MSET", "PING", "nope", "COPY", "DEL", "LCS", "EXISTS"),
    fc.array(key, { maxLength: 4 }),
  ]),
  command(
    "COMMAND INFO",
    [fc.constantFrom("get", "APPEND", "mget", "del", "nope", "lcs", "expire")],
    fixed,
  ),
  command("COMMAND", [fc.constantFrom("NOPE", "")], fixed),
  command("OBJECT HELP", [], shape),
  command("CLIENT HELP", [], shape),
  command("CONFIG HELP", [], shape),
];

/** Commands that no server has. */
export const unknownCommands: fc.Arbitrary<Step>[] = [
  command("NOSUCHCOMMAND", [fc.array(value, { maxLength: 5 })]),
  command("GE", [value]),
  command("GETT", []),
];

/** Pieces of sequences of connection and server commands. */
export const serverPieces: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 10, arbitrary: single(...connectionCommands) },
  { weight: 10, arbitrary: single(...serverCommands) },
  { weight: 1, arbitrary: single(...unknownCommands) },
  { weight: 3, arbitrary: single(command("SET", [key, value]), command("GET", [key])) },
);
