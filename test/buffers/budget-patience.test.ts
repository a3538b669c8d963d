import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MemoryBudget } from '../../src/buffers/budget.ts';

describe('the patience of the memory budget', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('whoever waits has the whole patience, also after another one has left', async () => {
    const budget = new MemoryBudget(100, { patienceMs: 1000 });
    const forever = new AbortController().signal;
    budget.reserve(100, forever);
    const leaver = new AbortController();
    const left = budget.reserve(1, leaver.signal)?.catch(() => 'left');
    await vi.advanceTimersByTimeAsync(999);
    leaver.abort();
    await left;
    let refused = false;
    budget.reserve(1, forever)?.catch(() => {
      refused = true;
    });
    await vi.advanceTimersByTimeAsync(998);
    expect(refused).toBe(false);
    await vi.advanceTimersByTimeAsync(2);
    expect(refused).toBe(true);
  });
});
