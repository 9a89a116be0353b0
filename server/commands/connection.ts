/**
 * The commands about the connection that sends them: AUTH, ECHO, HELLO, PING, QUIT, RESET, SELECT.
 *
 * @module
 */

import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import { COUNTER_AUTHENTICATIONS_DENIED } from "../counters.ts";
import { INTEGER_INVALID, parseInteger } from "../resp/integer_text.ts";
import { setClientName } from "./client_name.ts";
import type { Handlers } from "./table.ts";

const SYNTAX_ERROR = "ERR syntax error";
const NOT_AN_INTEGER = "ERR value is not an integer or out of range";
const WRONG_PASSWORD = "WRONGPASS invalid username-password pair or user is disabled.";
const NO_PASSWORD_CONFIGURED =
  "ERR AUTH <password> called without any password configured for the default user. " +
  "Are you sure your configuration is correct?";
const HELLO_UNAUTHENTICATED =
  "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO " +
  "AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol " +
  "version at the same time";
/** The only user there is. */
const DEFAULT_USER = "default";
const INT32_MAX = 0x7fffffff;
const INT32_MIN = -0x80000000;
const HELLO_OPTIONS_INDEX = 2;
const HELLO_FIELDS = 7;

/** `AUTH [user] password`. */
function auth(client: Client): void {
  const { args, context } = client;
  if (args.count > 3) throw new CommandError(SYNTAX_ERROR);
  const hasUser = args.count === 3;
  if (!hasUser && context.config.requirepass === "") throw new CommandError(NO_PASSWORD_CONFIGURED);
  authenticate(client, hasUser ? args.text(1) : DEFAULT_USER, args.text(args.count - 1));
  client.reply.ok();
}

/** Makes the client the user's, or throws when the password is wrong; then it stays what it was. */
function authenticate(client: Client, user: string, password: string): void {
  const { config, shared } = client.context;
  const accepted = config.requirepass === "" || isSameSecret(config.requirepass, password);
  if (user !== DEFAULT_USER || !accepted) {
    shared.own[COUNTER_AUTHENTICATIONS_DENIED]++;
    throw new CommandError(WRONG_PASSWORD);
  }
  client.user = DEFAULT_USER;
  client.authenticated = true;
}

/** Equality in a time that does not tell where the texts differ. */
function isSameSecret(secret: string, given: string): boolean {
  let difference = secret.length ^ given.length;
  for (let i = 0; i < given.length; i++) {
    difference |= secret.charCodeAt(i % secret.length) ^ given.charCodeAt(i);
  }
  return difference === 0;
}

/** `ECHO message`. */
function echo(client: Client): void {
  const { args } = client;
  client.reply.bulk(args.bytes, args.starts[1], args.lengths[1]);
}

/** `HELLO [protocol [AUTH user password] [SETNAME name]]`. Options take effect as they are read. */
function hello(client: Client): void {
  const { args, reply } = client;
  const protocol = args.count > 1 ? protocolArgument(client) : reply.protocol;
  let index = HELLO_OPTIONS_INDEX;
  while (index < args.count) {
    if (args.is(index, "auth") && index + 2 < args.count) {
      authenticate(client, args.text(index + 1), args.text(index + 2));
      index += 3;
    } else if (args.is(index, "setname") && index + 1 < args.count) {
      setClientName(client, args.text(index + 1));
      index += 2;
    } else {
      throw new CommandError(`ERR Syntax error in HELLO option '${args.quotable(index)}'`);
    }
  }
  if (mustAuthenticate(client)) throw new CommandError(HELLO_UNAUTHENTICATED);
  reply.protocol = protocol;
  replyGreeting(client);
}

function protocolArgument(client: Client): 2 | 3 {
  const { bytes, starts, lengths } = client.args;
  const protocol = parseInteger(bytes, starts[1], starts[1] + lengths[1]);
  if (protocol === INTEGER_INVALID) {
    throw new CommandError("ERR Protocol version is not an integer or out of range");
  }
  if (protocol !== 2 && protocol !== 3) {
    throw new CommandError("NOPROTO unsupported protocol version");
  }
  return protocol;
}

function replyGreeting(client: Client): void {
  const { reply, context } = client;
  reply.map(HELLO_FIELDS);
  reply.bulkText("server");
  reply.bulkText("redis");
  reply.bulkText("version");
  reply.bulkText(context.facts.redisVersion);
  reply.bulkText("proto");
  reply.integer(reply.protocol);
  reply.bulkText("id");
  reply.integer(client.id);
  reply.bulkText("mode");
  reply.bulkText("standalone");
  reply.bulkText("role");
  reply.bulkText("master");
  reply.bulkText("modules");
  reply.array(0);
}

/** Whether the server wants a password that this client has not given. */
export function mustAuthenticate(client: Client): boolean {
  return !client.authenticated && client.context.config.requirepass !== "";
}

/** `PING [message]`. */
function ping(client: Client): void {
  const { args, reply } = client;
  if (args.count === 1) {
    reply.simple("PONG");
    return;
  }
  if (args.count > 2) {
    throw new CommandError("ERR wrong number of arguments for 'ping' command");
  }
  reply.bulk(args.bytes, args.starts[1], args.lengths[1]);
}

/** `QUIT`. */
function quit(client: Client): void {
  client.closeAfterReply = true;
  client.reply.ok();
}

/** `RESET`: what a new connection has, but for its id and CLIENT NO-EVICT. */
function reset(client: Client): void {
  client.database = 0;
  client.name = "";
  client.user = DEFAULT_USER;
  client.authenticated = client.context.config.requirepass === "";
  client.replyMode = "on";
  client.reply.protocol = 2;
  client.reply.simple("RESET");
}

/** `SELECT index`. */
function select(client: Client): void {
  const { bytes, starts, lengths } = client.args;
  const database = parseInteger(bytes, starts[1], starts[1] + lengths[1]);
  if (database === INTEGER_INVALID) throw new CommandError(NOT_AN_INTEGER);
  if (database < INT32_MIN || database > INT32_MAX) {
    throw new CommandError(
      `ERR value is out of range, value must between ${INT32_MIN} and ${INT32_MAX}`,
    );
  }
  if (database < 0 || database >= client.context.config.databases) {
    throw new CommandError("ERR DB index is out of range");
  }
  client.database = database;
  client.reply.ok();
}

/** Handlers by full command name. */
export const handlers: Handlers = { auth, echo, hello, ping, quit, reset, select };
