import { differentialGroup } from "./harness.ts";
import { VALUE_PARAMETERS, valuePieces } from "./value_commands.ts";

differentialGroup({
  name: "commands on values of every type",
  pieces: valuePieces,
  parameters: VALUE_PARAMETERS,
  crossings: [
    ...[["listpack", "hashtable"], ["listpack", "skiplist"], ["intset", "hashtable"]] as const,
    ["embstr", "raw"],
  ],
});
