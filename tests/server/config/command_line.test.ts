/**
 * The command line and the configuration files it names: what they set, and the one message when
 * the server cannot start so. redis-server, given the same, must complain about the same line in
 * the same words.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import type { Config } from "../../../server/config/config.ts";
import { parseCommandLine } from "../../../server/config/command_line.ts";
import { ConfigError } from "../../../server/config/config_file.ts";
import { PARAMETERS } from "../../../server/config/parameters.ts";
import { peerTest } from "../../support/peers.ts";
import { MemoryFiles } from "./memory_files.ts";

function serve(given: string[], files = new MemoryFiles()): Config {
  const commandLine = parseCommandLine(given, files);
  assert(commandLine.kind === "serve");
  return commandLine.config;
}

/** The message with which the server would not start. */
function complaint(given: string[], files = new MemoryFiles()): string {
  return assertThrows(() => parseCommandLine(given, files), ConfigError).message;
}

Deno.test("command line: nothing gives the defaults", () => {
  const config = serve([]);
  assertEquals(config.port, 6379);
  assertEquals(config.bind, ["127.0.0.1", "-::1"]);
  assertEquals(config.dir, "/work");
  assertEquals(config.configFile, "");
});

Deno.test("command line: flags as redis-server takes them", () => {
  const config = serve([
    ...[
      "--port",
      "7000",
      "--workers",
      "2",
      "--maxmemory",
      "1gb",
      "--save",
      "",
      "--appendonly",
      "no",
    ],
    ...["--bind", "127.0.0.1", "-::1", "--requirepass", "--a b", "--HZ 20"],
    ...["--client-output-buffer-limit", "normal 1 2 3", "--bind", "10.0.0.1 10.0.0.2"],
  ]);
  assertEquals(config.port, 7000);
  assertEquals(config.workers, 2);
  assertEquals(config.maxmemoryBytes, 2 ** 30);
  assertEquals(config.save, []);
  assertEquals(config.bind, ["10.0.0.1", "10.0.0.2"]);
  assertEquals(config.requirepass, "--a b");
  assertEquals(config.hz, 20);
  assertEquals(config.outputLimits.normal.softSeconds, 3);
});

Deno.test("command line: a save without value stands for none", () => {
  assertEquals(serve(["--save"]).save, []);
  assertEquals(serve(["--save", "--port", "7000"]).port, 7000);
  assertEquals(serve(["--save", "", "--port", "7000"]).port, 7000);
});

Deno.test("command line: flags beat standard input, that beats the file, that the defaults", () => {
  const files = new MemoryFiles(
    { "/work/x.conf": "port 1\ntimeout 1\nhz 11\n" },
    "port 2\ntimeout 2",
  );
  for (const given of [["x.conf", "--port", "3", "-"], ["/work/x.conf", "-", "--port", "3"]]) {
    if (given[1] === "-") {
      // Between file and flags redis-server takes the dash for a value, which is no directive.
      assertMatch(complaint(given, files), />>> '"-"'\nBad directive/);
      continue;
    }
    const config = serve(given, files);
    assertEquals([config.port, config.timeoutSeconds, config.hz], [3, 2, 11]);
    assertEquals(config.configFile, "/work/x.conf");
  }
  assertEquals(serve(["-", "--port", "3"], files).timeoutSeconds, 2);
});

Deno.test("command line: help and version", () => {
  for (const given of [["--help"], ["-h"], ["--port", "7000", "--help"], ["--help", "--nosuch"]]) {
    const help = parseCommandLine(given, new MemoryFiles());
    assert(help.kind === "help");
    for (const { name } of PARAMETERS) assert(help.text.includes(`\n  --${name} `), name);
  }
  for (const given of [["--version"], ["-v"]]) {
    const version = parseCommandLine(given, new MemoryFiles());
    assert(version.kind === "version");
    assertMatch(version.text, /^Numaris server v=0\.1\.0 .*redis_compat=7\.0\.15/);
  }
  assertEquals(serve(["--requirepass", "-h"]).requirepass, "-h");
});

Deno.test("config file: comments, blanks, quotes, any case, Windows line ends", () => {
  const files = new MemoryFiles({
    "/etc/n.conf": '\r\n# a comment\r\n  PORT   7000\r\n\trequirepass "p\\x41ss é"\r\n#end',
  });
  const config = serve(["/etc/n.conf"], files);
  assertEquals(config.port, 7000);
  assertEquals(config.requirepass, "pAss \xc3\xa9");
});

Deno.test("config file: include, with wildcards, relative to the working directory", () => {
  const files = new MemoryFiles({
    "/etc/n.conf": "dir /srv\ninclude conf.d/*.conf\ninclude none/*.conf\nport 9",
    "/srv/conf.d/1.conf": "timeout 1\nport 1",
    "/srv/conf.d/2.conf": "timeout 2",
    "/srv/conf.d/.3.conf": "timeout 3",
    "/srv/conf.d/4.txt": "timeout 4",
  });
  const config = serve(["/etc/n.conf"], files);
  assertEquals([config.timeoutSeconds, config.port, config.dir], [2, 9, "/srv"]);
});

Deno.test("config file: errors name file, line and reason", () => {
  const files = new MemoryFiles({
    "/etc/n.conf": "port 1\n\n include inner.conf",
    "/work/inner.conf": "# x\nfoo bar\n",
    "/etc/missing.conf": "include nowhere.conf",
    "/work/loop.conf": "include loop.conf",
    "/etc/yes.conf": "hz 10\nappendonly yes",
  });
  assertEquals(
    complaint(["/etc/n.conf"], files),
    "*** FATAL CONFIG FILE ERROR (Numaris 0.1.0) ***\n" +
      "Reading the configuration file inner.conf, at line 2\n" +
      ">>> 'foo bar'\n" +
      "Bad directive or wrong number of arguments",
  );
  assertMatch(
    complaint(["/etc/missing.conf"], files),
    /file \/etc\/missing\.conf, at line 1\n.*\ncan't open .*'nowhere\.conf': No such file or dir/,
  );
  assertMatch(complaint(["loop.conf"], files), /more than 16 files include one another$/);
  assertMatch(complaint(["/etc/yes.conf"], files), /at line 2\n.*\nNumaris has no persistence yet/);
  assertMatch(complaint(["--nosuch", "1"]), /Reading the command line\n>>> 'nosuch "1"'\nBad/);
  assertEquals(
    complaint(["nosuch.conf"]),
    "Fatal error, can't open config file '/work/nosuch.conf': No such file or directory",
  );
});

/** Command lines with which neither server starts. */
const BAD_FLAGS: string[][] = [
  ["--port", "abc"],
  ["--port", "99999"],
  ["--port"],
  ["--port", "1", "2"],
  ["--Port", "X"],
  ["--port x"],
  ["--nosuch", "5"],
  ["--port", "1", "--hz", "a b"],
  ["--requirepass", 'a"b', "--hz", "x"],
  ["--requirepass"],
  ["--logfile"],
  ["-x"],
  ["--dir", "/nosuch"],
  ["--dir", ""],
  ["--unixsocketperm", "8"],
  ["--unixsocketperm", "1000"],
  ["--client-output-buffer-limit", "normal", "1", "2"],
  ["--client-output-buffer-limit", "normal 1 2"],
  ["--maxmemory", "1x", "--port"],
  ["--maxmemory-policy", "foo"],
  ["--appendonly", "maybe"],
  ["--daemonize", "maybe"],
  ["--save", "1"],
  ["--save", "1", "2", "3"],
  ["--save", "0 1"],
  ["--loglevel", "loud"],
  ["--enable-debug-command", "always"],
  ["--databases", "0", "--hz", "x"],
  ["--tcp-backlog", "\xe9\n\\"],
  ["--include", "a", "b"],
];

/** Files with which neither server starts. */
const BAD_FILES: string[] = [
  'timeout "abc\n',
  "port 1\r\n  timeout  'abc' \r\nhz 5\n",
  "timeout 5 6",
  "\n\ntimeout",
  '"" 1',
  "foo bar",
  "include a b",
  "include",
  'requirepass "a"b',
  "hz 5\nclient-output-buffer-limit normal 1 2",
  "databases x",
  "maxclients 0",
  "# c\nport 70000",
];

/** The line and the reason: what both servers say in the same words. */
function lineAndReason(message: string): string {
  return message.slice(message.indexOf(">>>")).trimEnd();
}

async function redisComplaint(given: string[]): Promise<string> {
  const output = await new Deno.Command("redis-server", {
    args: given,
    signal: AbortSignal.timeout(5000),
  }).output();
  const text = new TextDecoder().decode(output.stderr);
  assert(text.includes(">>>"), `redis-server said ${text} to ${given}`);
  return text;
}

peerTest("command line: complains as redis-server does", ["redis-server"], async () => {
  for (const given of BAD_FLAGS) {
    // redis-server listens only once everything is read, so that none of these starts it.
    const theirs = lineAndReason(await redisComplaint(given));
    const ours = lineAndReason(complaint(given));
    // Our own upper bound is lower than Redis's.
    const bounds = /between 1 and \d+ inclusive/;
    assertEquals(ours.replace(bounds, ""), theirs.replace(bounds, ""), given.join(" "));
  }
});

peerTest("config file: complains as redis-server does", ["redis-server"], async () => {
  const path = await Deno.makeTempFile();
  for (const text of BAD_FILES) {
    await Deno.writeTextFile(path, text);
    const theirs = await redisComplaint([path]);
    const ours = complaint([path], new MemoryFiles({ [path]: text }));
    assertEquals(lineAndReason(ours), lineAndReason(theirs), text);
    assertEquals(/line (\d+)/.exec(ours)?.[1], /line (\d+)/.exec(theirs)?.[1], text);
  }
  await Deno.remove(path);
});
