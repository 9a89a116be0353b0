import { differentialTest } from "./harness.ts";
import { VALUE_PARAMETERS, valuePieces } from "./value_commands.ts";

differentialTest("commands on values of every type", valuePieces, {
  parameters: VALUE_PARAMETERS,
});
