import { expect, test } from 'vitest';
import { MemoryBudget } from '../../src/buffers/budget.ts';
import type { MemoryAllowance } from '../../src/contract/memory.ts';

const forever = () => new AbortController().signal;

test('tryReserve of a budget grants what fits, all or none, and nothing past the limit', () => {
  const budget = new MemoryBudget(100);
  const allowance: MemoryAllowance = budget;
  expect(allowance.tryReserve(101)).toBe(false);
  expect(allowance.tryReserve(60)).toBe(true);
  expect(allowance.tryReserve(41)).toBe(false);
  expect(allowance.tryReserve(40)).toBe(true);
  expect(budget.usedBytes).toBe(100);
  allowance.release(100);
  expect(budget.usedBytes).toBe(0);
});

test('tryReserve of a budget grants nothing while somebody waits, even what would fit', async () => {
  const budget = new MemoryBudget(100);
  budget.reserve(60, forever());
  const waiting = budget.reserve(50, forever());
  expect(budget.tryReserve(10)).toBe(false);
  budget.release(60);
  await waiting;
  expect(budget.tryReserve(10)).toBe(true);
  budget.release(60);
});

test('what is given back to a budget after tryReserve goes to who waits', async () => {
  const budget = new MemoryBudget(100);
  budget.tryReserve(100);
  const waiting = budget.reserve(50, forever());
  budget.release(100);
  await waiting;
  expect(budget.usedBytes).toBe(50);
  budget.release(50);
});
