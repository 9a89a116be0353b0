/**
 * `CLIENT KILL` and `CLIENT UNBLOCK`: what clients do to other clients, on any worker.
 *
 * @module
 */

import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import type { ClientFilter } from "../control_plane.ts";
import { INTEGER_INVALID, parseInteger } from "../resp/integer_text.ts";
import { clientMatches, clientTypeArgument, EVERY_CLIENT } from "./client_list.ts";

const SYNTAX_ERROR = "ERR syntax error";
const FIRST_ARGUMENT = 2;
/** `CLIENT KILL address`, the form from before there were filters. */
const ADDRESS_FORM_ARGUMENT_COUNT = 3;
const REASON_INDEX = 3;
const UNBLOCK_ARGUMENT_COUNT_MAX = 4;

/** What the arguments of `CLIENT KILL` ask for. */
interface KillRequest {
  readonly filter: ClientFilter;
  readonly skipsCaller: boolean;
}

/** `CLIENT KILL address`, or `CLIENT KILL` with filters: closes the clients that pass all of them. */
export function clientKill(client: Client): Promise<void> {
  return client.args.count === ADDRESS_FORM_ARGUMENT_COUNT
    ? killByAddress(client)
    : killByFilter(client);
}

async function killByAddress(client: Client): Promise<void> {
  const filter = { ...EVERY_CLIENT, address: client.args.text(FIRST_ARGUMENT) };
  const count = await kill(client, { filter, skipsCaller: false });
  if (count === 0) throw new CommandError("ERR No such client");
  client.reply.ok();
}

async function killByFilter(client: Client): Promise<void> {
  client.reply.integer(await kill(client, readKillRequest(client)));
}

/**
 * Closes the clients of every worker that match; the caller last, after its reply.
 *
 * @returns How many there were.
 */
async function kill(client: Client, request: KillRequest): Promise<number> {
  const { filter } = request;
  const killsCaller = !request.skipsCaller && clientMatches(client, filter);
  const counts = await client.context.control.gather<"clientKill">({
    kind: "clientKill",
    filter: { ...filter, skippedId: client.id },
  });
  let count = killsCaller ? 1 : 0;
  for (const ofWorker of counts) count += ofWorker;
  if (killsCaller) client.closeAfterReply = true;
  return count;
}

function readKillRequest(client: Client): KillRequest {
  const { args } = client;
  let filter = EVERY_CLIENT;
  let skipsCaller = true;
  for (let index = FIRST_ARGUMENT; index < args.count; index += 2) {
    const value = index + 1;
    if (value >= args.count) throw new CommandError(SYNTAX_ERROR);
    if (args.is(index, "id")) {
      filter = { ...filter, ids: [killedId(client, value)] };
    } else if (args.is(index, "type")) {
      const type = clientTypeArgument(args, value);
      if (type === null) throw new CommandError(`ERR Unknown client type '${args.text(value)}'`);
      filter = { ...filter, type };
    } else if (args.is(index, "addr")) {
      filter = { ...filter, address: args.text(value) };
    } else if (args.is(index, "laddr")) {
      filter = { ...filter, localAddress: args.text(value) };
    } else if (args.is(index, "user")) {
      const user = args.text(value);
      if (user !== "default") throw new CommandError(`ERR No such user '${user}'`);
      filter = { ...filter, user };
    } else if (args.is(index, "skipme")) {
      skipsCaller = readYesOrNo(client, value);
    } else {
      throw new CommandError(SYNTAX_ERROR);
    }
  }
  return { filter, skipsCaller };
}

function killedId(client: Client, index: number): number {
  const { bytes, starts, lengths } = client.args;
  const id = parseInteger(bytes, starts[index], starts[index] + lengths[index]);
  // INTEGER_INVALID is below every id, too.
  if (id < 1) throw new CommandError("ERR client-id should be greater than 0");
  return id;
}

function readYesOrNo(client: Client, index: number): boolean {
  if (client.args.is(index, "yes")) return true;
  if (client.args.is(index, "no")) return false;
  throw new CommandError(SYNTAX_ERROR);
}

/** `CLIENT UNBLOCK id [TIMEOUT | ERROR]`: 1 when that client waited, else 0. */
export async function clientUnblock(client: Client): Promise<void> {
  const { args } = client;
  if (args.count > UNBLOCK_ARGUMENT_COUNT_MAX) {
    throw new CommandError(
      `ERR unknown subcommand or wrong number of arguments for '${args.text(1)}'. ` +
        "Try CLIENT HELP.",
    );
  }
  const withError = args.count > REASON_INDEX && args.is(REASON_INDEX, "error");
  if (args.count > REASON_INDEX && !withError && !args.is(REASON_INDEX, "timeout")) {
    throw new CommandError("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  const start = args.starts[FIRST_ARGUMENT];
  const id = parseInteger(args.bytes, start, start + args.lengths[FIRST_ARGUMENT]);
  if (id === INTEGER_INVALID) {
    throw new CommandError("ERR value is not an integer or out of range");
  }
  const answers = await client.context.control.gather<"clientUnblock">({
    kind: "clientUnblock",
    id,
    withError,
  });
  client.reply.integer(answers.includes(true) ? 1 : 0);
}
