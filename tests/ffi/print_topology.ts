/**
 * Prints the topology as JSON; its argument replaces the name of libnuma. Needs `--allow-ffi` only.
 */

import { readTopology } from "../../ffi/mod.ts";

const [libnumaName] = Deno.args;
console.log(JSON.stringify(readTopology(libnumaName === undefined ? {} : { libnumaName })));
