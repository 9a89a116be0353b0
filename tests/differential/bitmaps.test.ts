import { bitmapPieces } from "./bitmap_commands.ts";
import { differentialTest } from "./harness.ts";

differentialTest("bitmap commands", bitmapPieces);
