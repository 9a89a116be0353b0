import { bitmapPieces } from "./bitmap_commands.ts";
import { differentialGroup } from "./harness.ts";

differentialGroup({
  name: "bitmap commands",
  pieces: bitmapPieces,
  crossings: [["int", "raw"], ["embstr", "raw"]],
});
