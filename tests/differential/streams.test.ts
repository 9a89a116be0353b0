import { differentialTest } from "./harness.ts";
import { streamPieces } from "./stream_commands.ts";

differentialTest("stream commands", streamPieces);

differentialTest("stream commands on small nodes", streamPieces, {
  parameters: ["--stream-node-max-entries", "3", "--stream-node-max-bytes", "200"],
});
