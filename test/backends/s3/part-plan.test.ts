import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PartPlan, tiersFor } from '../../../src/backends/s3/part-plan.ts';

const MiB = 1024 ** 2;
const PARTS = 10_000;
const TB = 10 ** 12;

describe.each([16, 64, 128, 256, 4096])('the part plan for a budget of %d MiB', (budgetMib) => {
  const plan = new PartPlan(tiersFor(budgetMib * MiB));
  const parts = Array.from({ length: PARTS }, (_, index) => plan.part(index));

  test('has exactly the 10,000 parts that S3 takes, one behind the other without gap or overlap', () => {
    let end = 0;
    for (const part of parts) {
      expect(part.start).toBe(end);
      end = part.end;
    }
    expect(end).toBe(plan.maxBytes);
    expect(() => plan.part(PARTS)).toThrow('EFBIG');
  });

  test('has no part below 5 MiB or above 5 GiB, which S3 would refuse, and none that is smaller than the one before', () => {
    const sizes = parts.map(({ start, end }) => end - start);
    expect(Math.min(...sizes)).toBe(5 * MiB);
    expect(Math.max(...sizes)).toBe(5 * 1024 * MiB);
    expect(sizes.every((size, index) => size >= (sizes[index - 1] ?? 0))).toBe(true);
  });

  test('reaches the 50 TB of the largest object, and begins with parts of 5 MiB', () => {
    expect(plan.maxBytes).toBeGreaterThanOrEqual(50 * TB);
    expect(plan.part(0)).toMatchObject({ start: 0, end: 5 * MiB, units: 1 });
  });

  test('has units that are parts of S3 too, and of which four fit into the budget if 5 MiB do', () => {
    const sizes = parts.map(({ firstUnit }) => plan.unit(firstUnit)).map(({ start, end }) => end - start);
    expect(Math.min(...sizes)).toBe(5 * MiB);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(Math.max(5 * MiB, (budgetMib * MiB) / 4));
  });

  test('every byte is in the unit and the part that its offset leads to', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: plan.maxBytes - 1 }), (offset) => {
        const unit = plan.unitAt(offset);
        expect(unit.start).toBeLessThanOrEqual(offset);
        expect(offset).toBeLessThan(unit.end);
        expect(plan.unit(unit.index)).toEqual(unit);
        expect([plan.unitAt(unit.start), plan.unitAt(unit.end - 1)]).toEqual([unit, unit]);
        const part = plan.part(unit.part);
        expect(unit.index).toBe(part.firstUnit + unit.withinPart);
        expect(unit.withinPart).toBeLessThan(part.units);
        expect(unit.start - part.start).toBe(unit.withinPart * (unit.end - unit.start));
        expect(part.end - part.start).toBe(part.units * (unit.end - unit.start));
      }),
      { numRuns: 2000 },
    );
  });

  test('the last byte has a part, the one after it is EFBIG', () => {
    expect(plan.unitAt(plan.maxBytes - 1).part).toBe(PARTS - 1);
    for (const offset of [plan.maxBytes, plan.maxBytes + 1, Number.MAX_SAFE_INTEGER]) {
      expect(() => plan.unitAt(offset)).toThrow(expect.objectContaining({ code: 'EFBIG' }));
    }
  });
});
