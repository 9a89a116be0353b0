/**
 * The COMMAND family beside redis-server: what is said of each command must be what Redis says of
 * it, but for the words of summaries, remarks and histories, which are ours.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { createCommandTable } from "../../../server/commands/mod.ts";
import { peerTest } from "../../support/peers.ts";
import { itemsOf, pairsOf, readReplyTree, type ReplyNode, textOf } from "./reply_tree.ts";
import { TwoServers, words } from "./two_servers.ts";

const NAME_FIELD = 0;
const KEY_SPECS_FIELD = 8;
const SUBCOMMANDS_FIELD = 9;

const table = createCommandTable();
const names = table.commands.map((command) => command.fullName);
const isOurs = (fullName: string) => table.byFullName(fullName) !== null;
/** Commands that Redis does not have. */
const isNew = (fullName: string) => fullName.startsWith("numa");
const sharedNames = names.filter((name) => !isNew(name));

/** A command's info without the words of remarks and without subcommands that we have not. */
function comparableInfo(info: ReplyNode): ReplyNode {
  const fields = [...itemsOf(info)];
  for (const keySpec of itemsOf(fields[KEY_SPECS_FIELD])) {
    for (const [name, value] of pairsOf(keySpec)) {
      if (name === "notes" && "text" in value) value.text = "";
    }
  }
  const subcommands = itemsOf(fields[SUBCOMMANDS_FIELD])
    .filter((subcommand) => isOurs(textOf(itemsOf(subcommand)[NAME_FIELD])))
    .map(comparableInfo);
  const nameOf = (node: ReplyNode) => textOf(itemsOf(node)[NAME_FIELD]);
  subcommands.sort((first, second) => nameOf(first) < nameOf(second) ? -1 : 1);
  fields[SUBCOMMANDS_FIELD] = { type: fields[SUBCOMMANDS_FIELD].type, items: subcommands };
  return { type: info.type, items: fields };
}

/** A command's documentation with what is worded freely left out. */
function comparableDocs(docs: ReplyNode): ReplyNode {
  const items: ReplyNode[] = [];
  for (const [name, value] of pairsOf(docs)) {
    items.push({ type: "$", text: name }, comparableField(name, value));
  }
  return { type: docs.type, items };
}

function comparableField(name: string, value: ReplyNode): ReplyNode {
  // What a command costs depends on how values are kept, so the complexity is ours to say.
  if (name === "summary" || name === "complexity") return { type: value.type, text: "" };
  if (name === "history") {
    const versions = itemsOf(value).map((entry) => itemsOf(entry)[0]);
    return { type: value.type, items: versions };
  }
  if (name !== "subcommands") return value;
  const pairs = pairsOf(value).filter(([fullName]) => isOurs(fullName));
  pairs.sort(([first], [second]) => first < second ? -1 : 1);
  const items: ReplyNode[] = [];
  for (const [fullName, docs] of pairs) {
    items.push({ type: "$", text: fullName }, comparableDocs(docs));
  }
  return { type: value.type, items };
}

peerTest("COMMAND INFO and DOCS say what Redis says", ["redis-server"], async (test) => {
  await using servers = await TwoServers.start();
  using clients = await servers.connect();
  for (const protocol of ["2", "3"]) {
    await clients.ask("HELLO", protocol);
    const infos = await clients.ask("COMMAND", "INFO", ...sharedNames);
    const docs = await clients.ask("COMMAND", "DOCS", ...sharedNames);
    await test.step(`info, RESP${protocol}`, () => {
      const redis = itemsOf(readReplyTree(infos.redis)).map(comparableInfo);
      const numaris = itemsOf(readReplyTree(infos.numaris)).map(comparableInfo);
      sharedNames.forEach((name, index) => assertEquals(numaris[index], redis[index], name));
    });
    await test.step(`documentation, RESP${protocol}`, () => {
      const redis = new Map(pairsOf(readReplyTree(docs.redis)));
      const numaris = new Map(pairsOf(readReplyTree(docs.numaris)));
      assertEquals([...numaris.keys()], sharedNames);
      for (const name of sharedNames) {
        const [ours, theirs] = [numaris.get(name), redis.get(name)];
        assert(ours !== undefined && theirs !== undefined, name);
        assertEquals(comparableDocs(ours), comparableDocs(theirs), name);
      }
    });
  }
});

peerTest("COMMAND with all commands", ["redis-server"], async () => {
  await using servers = await TwoServers.start();
  using clients = await servers.connect();
  const ask = async (...parts: string[]) => readReplyTree((await clients.ask(...parts)).numaris);
  const all = await ask("COMMAND");
  assertEquals(await ask("COMMAND", "INFO"), all);
  assertEquals(itemsOf(all).length, names.length);
  assertEquals(await ask("COMMAND", "COUNT"), { type: ":", text: String(names.length) });
  assertEquals(pairsOf(await ask("COMMAND", "DOCS")).map(([name]) => name), names);
  const listed = itemsOf(await ask("COMMAND", "LIST")).map(textOf);
  assertEquals(listed, table.all.map((command) => command.fullName));
});

peerTest("COMMAND LIST filters as Redis does", ["redis-server"], async () => {
  await using servers = await TwoServers.start();
  using clients = await servers.connect();
  const filters = [
    "ACLCAT string",
    "ACLCAT KEYSPACE",
    "aclcat fast",
    "ACLCAT dangerous",
    "ACLCAT nosuch",
    "PATTERN ge*",
    "PATTERN CLIENT|*",
    "pattern *[a-c]t",
    "MODULE x",
  ];
  for (const filter of filters) {
    const replies = await clients.ask("COMMAND", "LIST", "FILTERBY", ...filter.split(" "));
    const redis = itemsOf(readReplyTree(replies.redis)).map(textOf).filter(isOurs).sort();
    const numaris = itemsOf(readReplyTree(replies.numaris)).map(textOf).sort();
    assertEquals(numaris.filter((name) => !isNew(name)), redis, filter);
  }
});

peerTest("COMMAND GETKEYS and its errors", ["redis-server"], async () => {
  await using servers = await TwoServers.start();
  using clients = await servers.connect();
  const commands = [
    "command getkeys get a",
    "command getkeys mset a 1 b 2",
    "command getkeys mset a b c",
    "command getkeys mset a",
    "command getkeys rename a b",
    "command getkeys lcs a b len",
    "command getkeys sort a by w_* limit 0 1 store b store c",
    "command getkeys sort a limit store x",
    "command getkeys sort a store",
    "command getkeys sort_ro a store b",
    "command getkeys sintercard 2 a b limit 1",
    "command getkeys sintercard 3 a b",
    "command getkeys sintercard x a b",
    "command getkeysandflags sort a get # STORE b",
    "command getkeysandflags sunionstore a b c",
    "command getkeysandflags sinterstore a b c",
    "command getkeys object encoding a",
    "command getkeys memory usage a",
    "command getkeys object help",
    "command getkeys config get x",
    "command getkeys config nosuch",
    "command getkeys get|x a",
    "command getkeys config|get a",
    "command getkeys nosuch a",
    "command getkeys get",
    "command getkeys get a b",
    "command getkeysandflags set a b",
    "command getkeysandflags set a b nx GET",
    "command getkeysandflags rename a b",
    "command getkeysandflags mget a b",
    "command getkeysandflags getex a",
    "command getkeysandflags ping a",
    "command info nosuch get|x",
    "command docs nosuch",
    "command list x",
    "command list filterby aclcat",
    "command list filterby x y",
    "command nosuch",
    "command count x",
    "command help x",
  ].map(words);
  await clients.assertSame(commands);
  await clients.assertSame([["HELLO", "3"], ...commands]);
});
