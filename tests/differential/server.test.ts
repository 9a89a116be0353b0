import { differentialGroup } from "./harness.ts";
import { serverPieces } from "./server_commands.ts";

differentialGroup({
  name: "connection and server commands",
  pieces: serverPieces,
  // What redis-server is started with; sequences ask for it.
  parameters: ["--hz", "500"],
});
