import { differentialGroup } from "./harness.ts";
import { listPieces } from "./list_commands.ts";

differentialGroup({
  name: "list commands",
  pieces: listPieces,
  share: 0.5,
}, {
  name: "lists of short nodes",
  pieces: listPieces,
  parameters: ["--list-max-listpack-size", "3"],
  share: 0.5,
});
