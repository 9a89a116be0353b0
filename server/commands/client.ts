/**
 * The CLIENT family, but for PAUSE and UNPAUSE (`pause.ts`).
 *
 * @module
 */

import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";
import type { WorkerContext } from "../context.ts";
import type { ClientFilter } from "../control_plane.ts";
import { INTEGER_INVALID, parseInteger } from "../resp/integer_text.ts";
import { clientKill, clientUnblock } from "./client_kill.ts";
import {
  argumentBytesOf,
  clientTypeArgument,
  describeClient,
  EVERY_CLIENT,
  matchingClients,
  mergeClientLines,
} from "./client_list.ts";
import { setClientName } from "./client_name.ts";
import { replyHelp } from "./help.ts";
import type { Handlers } from "./table.ts";

const SYNTAX_ERROR = "ERR syntax error";
const US_PER_MS = 1000;
const FIRST_ARGUMENT = 2;
const TYPE_LIST_ARGUMENT_COUNT = 4;
/** What `CLIENT GETREDIR` answers a client that is not tracked. */
const NO_REDIRECTION = -1;

const HELP_LINES: readonly string[] = [
  "GETNAME",
  "    Tell this connection's name.",
  "GETREDIR",
  "    Tell which client gets this one's invalidation messages.",
  "ID",
  "    Tell this connection's id.",
  "INFO",
  "    Describe this connection.",
  "KILL <ip:port>",
  "    Close the connection from this address.",
  "KILL <option> <value> [<option> <value> [...]]",
  "    Close the connections that every option picks:",
  "    * ADDR (<ip:port>|<unixsocket>:0)",
  "      those from this address.",
  "    * ID <client-id>",
  "      the one with this id.",
  "    * LADDR (<ip:port>|<unixsocket>:0)",
  "      those to this address of the server.",
  "    * SKIPME (YES|NO)",
  "      whether to spare this connection (YES unless said).",
  "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
  "      those of this type.",
  "    * USER <username>",
  "      those of this user.",
  "LIST [options ...]",
  "    Describe the connections, or with an option some of them:",
  "    * ID <client-id> [<client-id> ...]",
  "      those with these ids.",
  "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
  "      those of this type.",
  "NO-EVICT (ON|OFF)",
  "    Spare this connection when connections are closed to save memory.",
  "PAUSE <timeout> [WRITE|ALL]",
  "    Let every command, or every write, wait for so many milliseconds.",
  "REPLY (ON|OFF|SKIP)",
  "    Reply, do not reply, or leave out the next reply.",
  "SETNAME <name>",
  "    Name this connection.",
  "TRACKINGINFO",
  "    Tell how this connection's reads are tracked.",
  "UNBLOCK <clientid> [TIMEOUT|ERROR]",
  "    End that client's wait as if its time were over, or with an error.",
  "UNPAUSE",
  "    Let commands go on.",
];

/**
 * Has this worker answer what the CLIENT family asks all workers: the descriptions of its clients,
 * and closing and unblocking them. Called once per worker.
 */
export function registerClientControl(context: WorkerContext): void {
  const { control, clients, clock, blocking } = context;
  control.handle("clientList", ({ filter }) => {
    // This worker may have been idle: the cached time is that of its last batch.
    const nowMs = clock.nowUs() / US_PER_MS;
    let lines = "";
    for (const client of matchingClients(clients, filter)) {
      lines += `${describeClient(client, nowMs, 0)}\n`;
    }
    return lines;
  });
  control.handle("clientKill", ({ filter }) => {
    const killed = matchingClients(clients, filter);
    for (const client of killed) {
      client.connection.close();
      client.unblock();
    }
    return killed.length;
  });
  control.handle("unblocked", ({ replies }) => {
    blocking.receive(replies);
    return null;
  });
  control.handle("clientUnblock", ({ id, withError }) => {
    const client = clients.get(id);
    if (client === undefined) return false;
    return withError ? client.unblockWithError() : client.unblock();
  });
}

/** `CLIENT GETNAME`. */
function clientGetname({ reply, name }: Client): void {
  if (name === "") reply.nil();
  else reply.bulkText(name);
}

/** `CLIENT GETREDIR`: no connection is tracked. */
function clientGetredir({ reply }: Client): void {
  reply.integer(NO_REDIRECTION);
}

/** `CLIENT HELP`. */
function clientHelp(client: Client): void {
  replyHelp(client, "CLIENT", HELP_LINES);
}

/** `CLIENT ID`. */
function clientId({ reply, id }: Client): void {
  reply.integer(id);
}

/** `CLIENT INFO`. */
function clientInfo(client: Client): void {
  const nowMs = client.context.clock.nowMs();
  const line = describeClient(client, nowMs, argumentBytesOf(client.args));
  client.reply.verbatim(`${line}\n`, "txt");
}

/** `CLIENT LIST [TYPE type | ID id ...]`. */
async function clientList(client: Client): Promise<void> {
  const filter = readListFilter(client);
  const answers = await client.context.control.gather<"clientList">({ kind: "clientList", filter });
  client.reply.verbatim(mergeClientLines(answers, filter.ids), "txt");
}

function readListFilter({ args }: Client): ClientFilter {
  if (args.count === FIRST_ARGUMENT) return EVERY_CLIENT;
  if (args.count === TYPE_LIST_ARGUMENT_COUNT && args.is(FIRST_ARGUMENT, "type")) {
    const type = clientTypeArgument(args, FIRST_ARGUMENT + 1);
    if (type === null) {
      throw new CommandError(`ERR Unknown client type '${args.text(FIRST_ARGUMENT + 1)}'`);
    }
    return { ...EVERY_CLIENT, type };
  }
  if (args.count <= FIRST_ARGUMENT + 1 || !args.is(FIRST_ARGUMENT, "id")) {
    throw new CommandError(SYNTAX_ERROR);
  }
  const ids: number[] = [];
  for (let index = FIRST_ARGUMENT + 1; index < args.count; index++) {
    const start = args.starts[index];
    const id = parseInteger(args.bytes, start, start + args.lengths[index]);
    if (id === INTEGER_INVALID) throw new CommandError("ERR Invalid client ID");
    ids.push(id);
  }
  return { ...EVERY_CLIENT, ids };
}

/** `CLIENT NO-EVICT ON | OFF`. */
function clientNoEvict(client: Client): void {
  const { args } = client;
  const isOn = args.is(FIRST_ARGUMENT, "on");
  if (!isOn && !args.is(FIRST_ARGUMENT, "off")) throw new CommandError(SYNTAX_ERROR);
  client.noEvict = isOn;
  client.reply.ok();
}

/**
 * `CLIENT REPLY ON | OFF | SKIP`. Only ON is answered: dispatch looks at the mode after the
 * command, and turns `skipNext` into `skip` for the one that follows.
 */
function clientReply(client: Client): void {
  const { args, reply } = client;
  if (args.is(FIRST_ARGUMENT, "on")) {
    client.replyMode = "on";
    reply.ok();
  } else if (args.is(FIRST_ARGUMENT, "off")) {
    client.replyMode = "off";
  } else if (args.is(FIRST_ARGUMENT, "skip")) {
    if (client.replyMode !== "off") client.replyMode = "skipNext";
  } else {
    throw new CommandError(SYNTAX_ERROR);
  }
}

/** `CLIENT SETNAME name`. */
function clientSetname(client: Client): void {
  setClientName(client, client.args.text(FIRST_ARGUMENT));
  client.reply.ok();
}

/** `CLIENT TRACKINGINFO`: no connection is tracked. */
function clientTrackinginfo({ reply }: Client): void {
  reply.map(3);
  reply.bulkText("flags");
  reply.set(1);
  reply.bulkText("off");
  reply.bulkText("redirect");
  reply.integer(NO_REDIRECTION);
  reply.bulkText("prefixes");
  reply.array(0);
}

/** Handlers by full command name. */
export const handlers: Handlers = {
  "client|getname": clientGetname,
  "client|getredir": clientGetredir,
  "client|help": clientHelp,
  "client|id": clientId,
  "client|info": clientInfo,
  "client|kill": clientKill,
  "client|list": clientList,
  "client|no-evict": clientNoEvict,
  "client|reply": clientReply,
  "client|setname": clientSetname,
  "client|trackinginfo": clientTrackinginfo,
  "client|unblock": clientUnblock,
};
