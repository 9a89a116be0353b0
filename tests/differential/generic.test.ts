import { genericPieces } from "./generic_commands.ts";
import { differentialGroup } from "./harness.ts";

differentialGroup({
  name: "generic key commands",
  pieces: genericPieces,
  crossings: [["int", "embstr"], ["int", "raw"], ["embstr", "raw"]],
});
