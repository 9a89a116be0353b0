import { hyperloglogPieces } from "./hyperloglog_commands.ts";
import { differentialTest } from "./harness.ts";

differentialTest("HyperLogLog commands", hyperloglogPieces, { runCount: 100 });
differentialTest("HyperLogLog commands with a short sparse form", hyperloglogPieces, {
  parameters: ["--hll-sparse-max-bytes", "60"],
  runCount: 40,
});
