/**
 * How long it takes to find a command by the bytes of its name.
 *
 * @module
 */

import { COMMAND_GROUPS } from "../../server/commands/data/mod.ts";
import { CommandNames } from "../../server/commands/command_names.ts";

const CALLS_PER_ITERATION = 1000;

const names = new CommandNames(
  COMMAND_GROUPS.flatMap((group) => group.commands.map((command) => command.name)),
);

for (const name of ["GET", "getex", "CLIENT", "incrbyfloat", "nosuch"]) {
  const bytes = new TextEncoder().encode(name);
  Deno.bench(`find ${name} ${CALLS_PER_ITERATION} times`, () => {
    let sum = 0;
    for (let i = 0; i < CALLS_PER_ITERATION; i++) sum += names.find(bytes, 0, bytes.length);
    if (sum === Infinity) throw new Error("the sum keeps the calls from being optimised away");
  });
}
