import { differentialTest } from "./harness.ts";
import { serverPieces } from "./server_commands.ts";

differentialTest("connection and server commands", serverPieces);
