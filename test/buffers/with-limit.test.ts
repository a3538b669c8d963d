import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryBudget } from '../../src/buffers/budget.ts';
import { withLimit } from '../../src/buffers/with-limit.ts';

const forever = () => new AbortController().signal;

test('a share that is used up leaves the rest of the budget to others', () => {
  const budget = new MemoryBudget(100);
  const share = withLimit(budget, () => 50);
  expect(share.tryReserve(51)).toBe(false);
  expect(share.tryReserve(50)).toBe(true);
  expect(share.tryReserve(1)).toBe(false);
  expect(budget.reserve(50, forever())).toBeUndefined();
  share.release(50);
  expect(share.tryReserve(50)).toBe(true);
  expect(budget.usedBytes).toBe(100);
});

test('a share grants nothing that the budget has not got, and what it refuses counts for nothing', () => {
  const budget = new MemoryBudget(100);
  const share = withLimit(budget, () => 50);
  budget.tryReserve(90);
  expect(share.tryReserve(20)).toBe(false);
  budget.release(90);
  expect(share.tryReserve(50)).toBe(true);
});

test('what a share gives back goes to who waits for the budget, and before that it grants nothing', async () => {
  const budget = new MemoryBudget(100);
  const share = withLimit(budget, () => 50);
  share.tryReserve(40);
  const waiting = budget.reserve(80, forever());
  expect(share.tryReserve(1)).toBe(false);
  share.release(40);
  await waiting;
  expect(budget.usedBytes).toBe(80);
});

test('whatever is reserved and released, a share keeps its limit and grants whatever is within both', () => {
  const step = fc.record({ shared: fc.boolean(), bytes: fc.nat({ max: 60 }), release: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const budget = new MemoryBudget(100);
      const share = withLimit(budget, () => 50);
      const held: { readonly shared: number[]; readonly others: number[] } = { shared: [], others: [] };
      const sum = (grants: readonly number[]) => grants.reduce((total, bytes) => total + bytes, 0);
      for (const { shared, bytes, release } of steps) {
        const [allowance, grants] = shared ? [share, held.shared] : [budget, held.others];
        if (release) {
          allowance.release(grants.pop() ?? 0);
        } else {
          const fits = bytes <= 100 - sum(held.shared) - sum(held.others);
          const isWithin = !shared || bytes <= 50 - sum(held.shared);
          expect(allowance.tryReserve(bytes)).toBe(fits && isWithin);
          if (fits && isWithin) grants.push(bytes);
        }
        expect(budget.usedBytes).toBe(sum(held.shared) + sum(held.others));
      }
    }),
  );
});
