import { differentialTest } from "./harness.ts";
import { listPieces } from "./list_commands.ts";

differentialTest("list commands", listPieces);
differentialTest("lists of short nodes", listPieces, {
  parameters: ["--list-max-listpack-size", "3"],
  runCount: 60,
});
