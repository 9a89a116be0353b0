import { differentialGroup } from "./harness.ts";
import { stringPieces } from "./string_commands.ts";

differentialGroup({
  name: "string commands",
  pieces: stringPieces,
  crossings: [["int", "embstr"], ["int", "raw"], ["embstr", "raw"]],
});
