import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { partialSort } from "../../../server/commands/partial_sort.ts";

Deno.test("the first elements of a partial sort are the least, in order", () => {
  const values = fc.array(fc.nat(30), { maxLength: 200, size: "max" });
  fc.assert(fc.property(values, fc.nat(200), (numbers, wanted) => {
    const items = Uint32Array.from(numbers.keys());
    partialSort(items, (first, second) => numbers[first] - numbers[second], wanted);
    assertEquals([...items].sort((first, second) => first - second), [...numbers.keys()]);
    const sorted = numbers.toSorted((first, second) => first - second);
    assertEquals(
      [...items].slice(0, wanted).map((index) => numbers[index]),
      sorted.slice(0, wanted),
    );
  }));
});
