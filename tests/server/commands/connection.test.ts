/**
 * The connection commands beside redis-server, byte for byte.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { peerTest } from "../../support/peers.ts";
import { TwoServers, words } from "./two_servers.ts";

peerTest("connection commands answer as Redis does", ["redis-server"], async () => {
  await using servers = await TwoServers.start();
  using clients = await servers.connect();
  const commands = [
    "ping",
    "ping \\xff",
    "ping a b",
    "echo \\x00a",
    "echo",
    "select 15",
    "select 16",
    "select -1",
    "select a",
    "select 01",
    "select 9999999999999",
    "select 99999999999999999999",
    "auth a",
    "auth default x",
    "auth foo bar",
    "auth a b c",
    "hello",
    "hello 2",
    "hello 4",
    "hello -1",
    "hello 03",
    "hello x",
    "hello 2 foo",
    "hello 2 auth a",
    "hello 2 auth a b",
    "hello 2 setname",
    "hello 2 setname foo bar",
    "client getname",
    "hello 2 setname \\x20",
    "client getname",
    "hello 3 auth default x setname three",
    "hello",
    "client getname",
    "client trackinginfo",
    "reset",
    "hello",
    "client getname",
    "reset x",
    "foo a b",
    "foo\\x0db c",
    "foo\\x00b c",
    `foo ${"y".repeat(100)} ${"z".repeat(100)} a`,
    "client",
    "client foo",
    "cLient \\x0afoo",
    "config",
  ].map(words);
  await clients.assertSame(commands);
});

peerTest("a password keeps strangers out", ["redis-server"], async () => {
  await using servers = await TwoServers.start();
  using first = await servers.connect();
  await first.assertSame([words("config set requirepass s\\xffcret"), ["ping"]]);
  using second = await servers.connect();
  const commands = [
    "ping",
    "get a",
    "nosuch",
    "get",
    "hello",
    "hello 3",
    "hello 2 setname x",
    "auth x",
    "auth default s",
    "auth s\\xffcret",
    "ping",
    "reset",
    "ping",
    "hello 2 auth default x",
    "ping",
    "hello 3 auth default s\\xffcret setname x",
    "ping",
    "auth no",
    "ping",
    "reset",
  ].map(words);
  await second.assertSame(commands);
  await first.assertSame([words("config set requirepass "), ["ping"]]);
  await second.assertSame([["ping"], ["auth", "x"], ["quit", "x"]]);
  assertEquals(await second.numaris.readReplyOrEnd(), null);
});
