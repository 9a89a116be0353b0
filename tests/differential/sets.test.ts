import { differentialGroup } from "./harness.ts";
import { SET_PARAMETERS, setPieces } from "./set_commands.ts";

differentialGroup({
  name: "set commands",
  pieces: setPieces,
  parameters: SET_PARAMETERS,
  crossings: [["intset", "hashtable"]],
});
