/**
 * Writes the table in docs/compatibility.md: every command and subcommand of redis-server beside
 * Numaris, from what COMMAND and COMMAND DOCS say on both. What stands above the table's heading in
 * that file is written by hand and kept. `deno task compatibility` runs it.
 *
 * @module
 */

import { assert } from "@std/assert";
import type { ReplyNode } from "./server/commands/reply_tree.ts";
import { itemsOf, pairsOf, readReplyTree, textOf } from "./server/commands/reply_tree.ts";
import { TwoServers } from "./server/commands/two_servers.ts";

const PATH = new URL("../docs/compatibility.md", import.meta.url);
const HEADING = "## Every command";

/** One command as a server describes it. */
interface Described {
  readonly name: string;
  /** What is compared, by what it is called in the table. */
  readonly facts: ReadonlyMap<string, string>;
}

type Descriptions = Map<string, Described>;

if (import.meta.main) await main();

async function main(): Promise<void> {
  await using servers = await TwoServers.start();
  using clients = await servers.connect();
  const commands = await clients.ask("COMMAND");
  const docs = await clients.ask("COMMAND", "DOCS");
  const redis = describe(commands.redis, docs.redis);
  const numaris = describe(commands.numaris, docs.numaris);
  const groups = groupsOf(docs.redis);
  const before = await Deno.readTextFile(PATH);
  const headingAt = before.indexOf(HEADING);
  assert(headingAt >= 0, `docs/compatibility.md has the heading "${HEADING}"`);
  const table = report(redis, numaris, groups);
  await Deno.writeTextFile(PATH, `${before.slice(0, headingAt)}${HEADING}\n\n${table}`);
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", PATH.pathname] }).output();
}

/** The commands of a server by full name, from its replies to COMMAND and COMMAND DOCS. */
function describe(commandReply: string, docsReply: string): Descriptions {
  const found: Descriptions = new Map();
  for (const node of itemsOf(readReplyTree(commandReply))) describeCommand(node, found);
  for (const [name, node] of pairsOf(readReplyTree(docsReply))) addDocs(name, node, found);
  return found;
}

function describeCommand(node: ReplyNode, found: Descriptions): void {
  const parts = itemsOf(node);
  const name = textOf(parts[0]);
  const facts = new Map([
    ["arity", textOf(parts[1])],
    ["flags", words(parts[2]).sort().join(" ")],
    ["key positions", [3, 4, 5].map((index) => textOf(parts[index])).join(" ")],
    ["ACL categories", words(parts[6]).sort().join(" ")],
    ["tips", words(parts[7]).sort().join(" ")],
    ["key specifications", itemsOf(parts[8]).map(keySpecText).join("; ")],
  ]);
  found.set(name, { name, facts });
  for (const child of itemsOf(parts[9])) describeCommand(child, found);
}

function words(node: ReplyNode): string[] {
  return itemsOf(node).map(textOf);
}

/** A key specification without its remark, which is each server's own. */
function keySpecText(node: ReplyNode): string {
  return pairsOf(node).filter(([name]) => name !== "notes").map(([, value]) => plain(value)).join();
}

function plain(node: ReplyNode): string {
  return "text" in node ? node.text : `(${node.items.map(plain).join(" ")})`;
}

/** Adds what COMMAND DOCS says and is no prose. */
function addDocs(name: string, node: ReplyNode, found: Descriptions): void {
  const facts = found.get(name)?.facts as Map<string, string> | undefined;
  for (const [what, value] of pairsOf(node)) {
    if (what === "group" || what === "since" || what === "arguments") {
      facts?.set(what, plain(value));
    } else if (what === "subcommands") {
      for (const [child, childNode] of pairsOf(value)) addDocs(child, childNode, found);
    }
  }
}

/** The documentation group of each command, without subcommands. */
function groupsOf(docsReply: string): Map<string, string> {
  const groups = new Map<string, string>();
  for (const [name, node] of pairsOf(readReplyTree(docsReply))) {
    const group = pairsOf(node).find(([what]) => what === "group");
    if (group !== undefined) groups.set(name, textOf(group[1]));
  }
  return groups;
}

function differences(expected: Described, found: Described): string[] {
  return [...expected.facts]
    .filter(([what, value]) => found.facts.get(what) !== value)
    .map(([what]) => what);
}

/** The table in Markdown. */
function report(redis: Descriptions, numaris: Descriptions, groups: Map<string, string>): string {
  const names = [...redis.keys()].sort();
  const present = names.filter((name) => numaris.has(name));
  const differing = present.filter((name) =>
    differences(redis.get(name)!, numaris.get(name)!).length > 0
  );
  const own = [...numaris.keys()].filter((name) => !redis.has(name)).sort();
  const lines = [
    `Of the ${names.length} commands and subcommands of redis-server 7.0.15, Numaris has ` +
    `${present.length}. For ${present.length - differing.length} of these, COMMAND and COMMAND ` +
    "DOCS say the same on both in arity, flags, key positions and specifications, ACL " +
    "categories, tips, group, version and arguments. Made by `deno task compatibility`.",
    "",
    `Numaris alone has: ${own.map(code).join(", ")}.`,
    "",
  ];
  for (const group of [...new Set(groups.values())].sort()) {
    const members = names.filter((name) => groups.get(name.split("|")[0]) === group);
    lines.push(...groupTable(group, members, redis, numaris));
  }
  return lines.join("\n");
}

function groupTable(
  group: string,
  members: readonly string[],
  redis: Descriptions,
  numaris: Descriptions,
): string[] {
  const present = members.filter((name) => numaris.has(name));
  const lines = [`### ${group}: ${present.length} of ${members.length}`, ""];
  if (present.length === 0) return [...lines, `Missing: ${members.map(code).join(", ")}.`, ""];
  lines.push("| command | in Numaris | described differently |", "| --- | --- | --- |");
  for (const name of members) {
    const found = numaris.get(name);
    const differing = found === undefined ? [] : differences(redis.get(name)!, found);
    lines.push(
      `| ${code(name)} | ${found === undefined ? "no" : "yes"} | ${differing.join(", ")} |`,
    );
  }
  return [...lines, ""];
}

/** A name as code; the bar between container and subcommand would end a cell of the table. */
function code(name: string): string {
  return `\`${name.replace("|", " ").toUpperCase()}\``;
}
