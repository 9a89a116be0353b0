import { differentialGroup } from "./harness.ts";
import { streamPieces } from "./stream_commands.ts";

differentialGroup({
  name: "stream commands",
  pieces: streamPieces,
  share: 0.5,
}, {
  name: "stream commands on small nodes",
  pieces: streamPieces,
  parameters: ["--stream-node-max-entries", "3", "--stream-node-max-bytes", "200"],
  share: 0.5,
});
