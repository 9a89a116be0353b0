import { assert, assertEquals } from "@std/assert";
import {
  createHeapLayout,
  HEAP_PAGE_BYTES,
  type HeapLayout,
} from "../../engine/heap/heap_layout.ts";
import {
  KIND_LARGE,
  PAGE_COUNT,
  PAGE_FIRST,
  PAGE_KIND,
  pageRecord,
} from "../../engine/heap/heap_page_table.ts";
import { BIN_COUNT, binOf, PageHeap } from "../../engine/heap/page_heap.ts";
import { verifyPageHeap } from "../../engine/heap/page_heap_invariants.ts";
import { ShardWindow } from "../../engine/heap/shard_window.ts";
import type { ShardIndex } from "../../engine/types.ts";

const MIB = 1024 * 1024;

/** A page heap whose runs are tagged as the allocator tags large blocks. */
class Fixture {
  readonly layout: HeapLayout;
  readonly discards: [number, number][] = [];
  readonly window: ShardWindow;
  readonly heap: PageHeap;
  /** First page of region 1, which has no header in it. */
  readonly first: number;
  readonly pageCount: number;

  constructor(windowBytes = 64 * MIB) {
    this.layout = createHeapLayout({ shardCount: 1, windowBytes, nodeIds: [0, 1] });
    this.first = windowBytes / 2 / HEAP_PAGE_BYTES;
    this.pageCount = this.first;
    const buffer = new SharedArrayBuffer(windowBytes);
    this.window = new ShardWindow(buffer, 0 as ShardIndex, 0, windowBytes);
    this.heap = new PageHeap(this.window, {
      bind: () => {},
      discard: (offset, bytes) =>
        this.discards.push([offset / HEAP_PAGE_BYTES - this.first, bytes / HEAP_PAGE_BYTES]),
      adviseHugePages: () => {},
    });
    this.heap.initialize(this.layout);
  }

  /** First page of a new run relative to the region, or -1. */
  allocate(pageCount: number): number {
    const page = this.heap.allocate(1, pageCount);
    if (page === 0) return -1;
    this.window.u32[pageRecord(page) + PAGE_FIRST] = page;
    this.window.u32[pageRecord(page) + PAGE_KIND] = KIND_LARGE;
    this.window.u32[pageRecord(page) + PAGE_COUNT] = pageCount;
    this.verify();
    return page - this.first;
  }

  free(page: number, pageCount: number): void {
    this.heap.free(1, this.first + page, pageCount);
    this.verify();
  }

  extend(page: number, pageCount: number, extraCount: number): boolean {
    const extended = this.heap.extend(1, this.first + page, pageCount, extraCount);
    if (extended) {
      this.window.u32[pageRecord(this.first + page) + PAGE_COUNT] = pageCount + extraCount;
    }
    this.verify();
    return extended;
  }

  verify(): void {
    verifyPageHeap(this.window, 0);
    verifyPageHeap(this.window, 1);
  }
}

Deno.test("bins rise with the length and stay within the record", () => {
  let previous = 0;
  for (
    let pages = 1;
    pages <= 4 * MIB;
    pages = pages < 1000 ? pages + 1 : Math.floor(pages * 1.1)
  ) {
    const bin = binOf(pages);
    assert(bin >= previous && bin < BIN_COUNT);
    assert(pages >= 1000 || bin - previous <= 1);
    previous = bin;
  }
});

Deno.test("runs come from the frontier, and freed ones are used again first", () => {
  const pages = new Fixture();
  assertEquals(pages.allocate(3), 0);
  assertEquals(pages.allocate(5), 3);
  assertEquals(pages.allocate(1), 8);
  pages.free(3, 5);
  assertEquals(pages.allocate(2), 3);
  assertEquals(pages.heap.dirtyPagesTaken, 2);
  assertEquals(pages.allocate(3), 5);
  assertEquals(pages.allocate(1), 9);
  assertEquals(pages.heap.dirtyPagesTaken, 0);
});

Deno.test("free neighbours merge on both sides into one run", () => {
  const pages = new Fixture();
  for (let page = 0; page < 8; page++) assertEquals(pages.allocate(1), page);
  pages.free(2, 1);
  pages.free(4, 1);
  pages.free(3, 1);
  assertEquals(pages.allocate(3), 2);
  for (const page of [0, 6, 1, 7, 5]) pages.free(page, 1);
  pages.free(2, 3);
  assertEquals(pages.allocate(8), 0);
});

Deno.test("a run that ends at the frontier is used together with untouched pages", () => {
  const pages = new Fixture();
  pages.allocate(4);
  pages.allocate(4);
  pages.free(4, 4);
  assertEquals(pages.allocate(10), 4);
  assertEquals(pages.heap.dirtyPagesTaken, 4);
});

Deno.test("a full region has no room, and regions do not lend to one another", () => {
  const pages = new Fixture();
  assertEquals(pages.allocate(pages.pageCount + 1), -1);
  assertEquals(pages.allocate(pages.pageCount), 0);
  assertEquals(pages.allocate(1), -1);
  pages.free(0, pages.pageCount);
  assertEquals(pages.allocate(pages.pageCount), 0);
  assert(pages.heap.allocate(0, 1) > 0);
});

Deno.test("a run grows into free pages behind it and past the frontier, or not at all", () => {
  const pages = new Fixture();
  pages.allocate(4);
  pages.allocate(4);
  pages.allocate(4);
  assert(!pages.extend(0, 4, 1));
  pages.free(4, 4);
  assert(pages.extend(0, 4, 1));
  assert(pages.extend(0, 5, 3));
  assert(!pages.extend(0, 8, 1));
  assert(pages.extend(8, 4, 20));
  pages.allocate(1);
  pages.free(8, 24);
  assert(!pages.extend(0, 8, 25));
  assert(pages.extend(0, 8, 24));
  assert(pages.extend(32, 1, pages.pageCount - 33));
  assert(!pages.extend(32, pages.pageCount - 32, 1));
});

Deno.test("purging gives back dirty pages in steps and then finds no more", () => {
  const pages = new Fixture();
  for (let run = 0; run < 6; run++) pages.allocate(10);
  for (let run = 0; run < 6; run += 2) pages.free(run * 10, 10);
  assertEquals(pages.discards, []);
  assertEquals(pages.heap.residentPages(1), 30);
  let purged = 0;
  for (let step = 0; step < 5; step++) {
    const count = pages.heap.purge(1, 7);
    assert(count <= 7);
    purged += count;
    pages.verify();
  }
  assertEquals(purged, 30);
  assertEquals(pages.heap.residentPages(1), 0);
  assertEquals(pages.heap.purge(1, 7), 0);
  const covered = new Set<number>();
  for (const [page, count] of pages.discards) {
    for (let index = 0; index < count; index++) covered.add(page + index);
  }
  assertEquals(covered.size, 30);
});

Deno.test("a long run stays dirty while there is little, and then gives back its end", () => {
  const pages = new Fixture(128 * MIB);
  const kept = 32 * MIB / HEAP_PAGE_BYTES;
  pages.allocate(kept - 100);
  pages.allocate(1);
  pages.allocate(1000);
  pages.free(0, kept - 100);
  assertEquals(pages.discards, []);
  assertEquals(pages.heap.residentPages(1), kept - 100);
  pages.free(kept - 99, 1000);
  assertEquals(pages.discards, [[kept - 99 + 744, 256]]);
  assertEquals(pages.heap.residentPages(1), kept - 100 + 744);
  assertEquals(pages.allocate(1000), kept - 99);
  assertEquals(pages.heap.dirtyPagesTaken, 744);
});

Deno.test("a long run that shall be zero comes from untouched pages while there are some", () => {
  const pages = new Fixture();
  pages.allocate(100);
  pages.allocate(1);
  pages.heap.free(1, pages.first, 50);
  assertEquals(pages.heap.allocateClean(1, 50) - pages.first, 0);
  assertEquals(pages.heap.dirtyPagesTaken, 50);
  pages.heap.free(1, pages.first, 100);
  assertEquals(pages.heap.allocateClean(1, 100) - pages.first, 101);
  assertEquals(pages.heap.allocateClean(1, pages.pageCount - 201) - pages.first, 201);
  assertEquals(pages.heap.allocateClean(1, 100) - pages.first, 0);
  assertEquals(pages.heap.allocateClean(1, 100), 0);
});

Deno.test("clean pages in front of dirty ones are not taken for clean after a merge", () => {
  const pages = new Fixture();
  pages.allocate(8);
  pages.allocate(8);
  pages.allocate(1);
  pages.free(0, 8);
  assertEquals(pages.heap.purge(1, 8), 8);
  pages.free(8, 8);
  assertEquals(pages.heap.residentPages(1), 8);
  assertEquals(pages.allocate(16), 0);
  assertEquals(pages.heap.dirtyPagesTaken, 16);
});
