import { assert, assertEquals } from "@std/assert";
import { HEAP_PAGE_BYTES } from "../../engine/heap/heap_layout.ts";
import {
  CLASS_BLOCK_BYTES,
  CLASS_BLOCK_COUNT,
  CLASS_COUNT,
  CLASS_PAGE_COUNT,
  sizeClassOf,
  SMALL_BYTES_MAX,
  SPAN_PAGES_MAX,
} from "../../engine/heap/size_classes.ts";

Deno.test("every request gets the smallest class that holds it", () => {
  for (let bytes = 1; bytes <= SMALL_BYTES_MAX; bytes++) {
    const sizeClass = sizeClassOf(bytes);
    assert(CLASS_BLOCK_BYTES[sizeClass] >= bytes);
    assert(sizeClass === 0 || CLASS_BLOCK_BYTES[sizeClass - 1] < bytes);
  }
});

Deno.test("requests up to 512 bytes waste less than 16, longer ones less than a sixth", () => {
  for (let bytes = 1; bytes <= SMALL_BYTES_MAX; bytes++) {
    const wasteBytes = CLASS_BLOCK_BYTES[sizeClassOf(bytes)] - bytes;
    assert(bytes <= 512 ? wasteBytes < 16 : wasteBytes < bytes / 6);
  }
});

Deno.test("spans waste at most a hundredth behind their last block", () => {
  for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
    const spanBytes = CLASS_PAGE_COUNT[sizeClass] * HEAP_PAGE_BYTES;
    const tailBytes = spanBytes - CLASS_BLOCK_COUNT[sizeClass] * CLASS_BLOCK_BYTES[sizeClass];
    assert(tailBytes >= 0 && tailBytes <= spanBytes / 100);
    assert(CLASS_PAGE_COUNT[sizeClass] <= SPAN_PAGES_MAX);
    assert(CLASS_BLOCK_COUNT[sizeClass] >= 4);
  }
});

Deno.test("multiples of 64 bytes and of a heap page get blocks that keep them aligned", () => {
  for (let bytes = 64; bytes <= SMALL_BYTES_MAX; bytes += 64) {
    assertEquals(CLASS_BLOCK_BYTES[sizeClassOf(bytes)] % 64, 0);
  }
  for (let bytes = HEAP_PAGE_BYTES; bytes <= SMALL_BYTES_MAX; bytes += HEAP_PAGE_BYTES) {
    assertEquals(CLASS_BLOCK_BYTES[sizeClassOf(bytes)], bytes);
  }
});
