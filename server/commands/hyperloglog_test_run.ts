/**
 * What PFSELFTEST runs: registers against an array, and estimates against the truth.
 *
 * @module
 */

import * as engine from "../../engine/mod.ts";

const { HLL_DENSE, HLL_DENSE_BYTES, HLL_ELEMENT, HLL_HEADER_BYTES, HLL_REGISTERS } = engine;

const ROUNDS = 20;
const REGISTER_VALUE_MAX = 63;
const ELEMENTS = 100_000;
const STANDARD_ERROR = 1.04 / Math.sqrt(HLL_REGISTERS);
/** How many standard errors an estimate may be off: one in some millions is further off. */
const ERRORS_MAX = 5;
/** Elements whose estimate must be right but for this, where few registers are used. */
const FEW_ELEMENTS = 100;
const FEW_ERRORS_MAX = 5;

/** Runs the test, which takes some tens of milliseconds. Returns what is wrong, or null. */
export function testHyperLogLog(): string | null {
  return testRegisters() ?? testEstimates();
}

function emptyDense(): Uint8Array {
  const dense = new Uint8Array(HLL_DENSE_BYTES);
  engine.writeHllHeader(dense, 0, HLL_DENSE);
  return dense;
}

function testRegisters(): string | null {
  const dense = emptyDense();
  const expected = new Uint8Array(HLL_REGISTERS);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < HLL_REGISTERS; i++) {
      expected[i] = Math.floor(Math.random() * (REGISTER_VALUE_MAX + 1));
      engine.setDenseRegister(dense, HLL_HEADER_BYTES, i, expected[i]);
    }
    for (let i = 0; i < HLL_REGISTERS; i++) {
      const found = engine.denseRegister(dense, HLL_HEADER_BYTES, i);
      if (found !== expected[i]) return `Register ${i} should be ${expected[i]} but is ${found}`;
    }
  }
  return null;
}

function testEstimates(): string | null {
  const dense = emptyDense();
  const histogram = engine.createHistogram();
  const element = new Uint8Array(8);
  const words = new Uint32Array(element.buffer);
  words[1] = Math.floor(Math.random() * 0x100000000);
  let checkpoint = 1;
  for (let count = 1; count <= ELEMENTS; count++) {
    words[0] = count;
    engine.hashElement(element, 0, element.length);
    const { register, value } = HLL_ELEMENT;
    engine.raiseDenseRegister(dense, HLL_HEADER_BYTES, register, value);
    if (count !== checkpoint) continue;
    checkpoint *= 10;
    engine.denseHistogram(dense, HLL_HEADER_BYTES, histogram);
    const estimate = engine.estimateFrom(histogram);
    const errorMax = count <= FEW_ELEMENTS ? FEW_ERRORS_MAX : count * STANDARD_ERROR * ERRORS_MAX;
    if (Math.abs(estimate - count) > errorMax) {
      return `The estimate is ${estimate} for ${count} elements`;
    }
  }
  return null;
}
