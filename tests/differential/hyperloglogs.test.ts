import { differentialGroup } from "./harness.ts";
import { hyperloglogPieces } from "./hyperloglog_commands.ts";

differentialGroup({
  name: "HyperLogLog commands",
  pieces: hyperloglogPieces,
  crossings: [["sparse", "dense"]],
  question: ["PFDEBUG", "ENCODING"],
  share: 0.5,
}, {
  name: "HyperLogLog commands with a short sparse form",
  pieces: hyperloglogPieces,
  parameters: ["--hll-sparse-max-bytes", "60"],
  crossings: [["sparse", "dense"]],
  question: ["PFDEBUG", "ENCODING"],
  share: 0.5,
});
