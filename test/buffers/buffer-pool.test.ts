import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { MemoryBudget } from '../../src/buffers/budget.ts';
import { BufferPool } from '../../src/buffers/buffer-pool.ts';

/** A pool of a budget that parks an eighth of `limit`; `take` reserves as its users do. */
function create(limit: number) {
  const budget = new MemoryBudget(limit);
  const pool = new BufferPool(budget);
  const take = (bytes: number) => {
    expect(budget.tryReserve(bytes)).toBe(true);
    return pool.take(bytes);
  };
  return { budget, pool, take };
}

describe('BufferPool', () => {
  test('gives a buffer of exactly the size, in memory of its own', () => {
    const buffer = create(1000).take(100);
    expect(buffer.length).toBe(100);
    expect(buffer.buffer.byteLength).toBe(100);
  });

  test('gives out again what it was given, to one taker only, and the reservation changes hands', () => {
    const { budget, pool, take } = create(1000);
    const first = take(100);
    pool.give(first);
    expect([budget.usedBytes, budget.parkedBytes]).toEqual([0, 100]);
    expect(take(100)).toBe(first);
    expect(take(100)).not.toBe(first);
    expect([budget.usedBytes, budget.parkedBytes]).toEqual([200, 0]);
  });

  test('never gives a buffer of another size', () => {
    const { pool, take } = create(4000);
    for (const buffer of [take(100), take(200)]) pool.give(buffer);
    expect(take(150)).toHaveLength(150);
    expect(take(200)).toHaveLength(200);
    expect(take(100)).toHaveLength(100);
  });

  test('keeps no more than an eighth of the budget, of all sizes together', () => {
    const { budget, pool, take } = create(2000);
    for (const buffer of [take(100), take(150), take(100)]) pool.give(buffer);
    expect([budget.usedBytes, budget.parkedBytes]).toEqual([0, 250]);
  });

  test('kept bytes can be had again until the buffer goes to somebody else', () => {
    const { pool, take } = create(1600);
    const lost: string[] = [];
    const keep = (name: string, last = false) =>
      pool.keep(take(100).fill(name), { last, onLost: () => void lost.push(name) });
    const [a, b] = [keep('a'), keep('b')];
    expect(a.take()?.toString()).toBe('a'.repeat(100));
    expect(a.take()).toBeUndefined();
    keep('c');
    // Two of a hundred are all that may be parked: the next taker gets the older one, with its bytes lost.
    expect(take(100).toString()).toBe('b'.repeat(100));
    expect(lost).toEqual(['b']);
    expect(b.take()).toBeUndefined();
  });

  test('what is to be kept to the last goes only when memory is short', () => {
    const { pool, take } = create(1600);
    const lost: string[] = [];
    const keep = (name: string, last: boolean) =>
      pool.keep(take(100), { last, onLost: () => void lost.push(name) });
    keep('first', true);
    keep('second', false);
    take(100);
    expect(lost).toEqual(['second']);
    take(1400);
    expect(lost).toEqual(['second']);
    take(100);
    expect(lost).toEqual(['second', 'first']);
  });

  test('a buffer that is given up goes to whoever gets its memory', () => {
    const { pool, take, budget } = create(800);
    const parked = take(100);
    pool.give(parked);
    // The whole budget: what is parked has to go.
    expect(budget.tryReserve(800)).toBe(true);
    expect(budget.parkedBytes).toBe(0);
    expect(pool.take(100)).toBe(parked);
    expect(pool.take(100)).not.toBe(parked);
  });

  test('nobody holds on to the memory of a buffer that is gone, whatever they still hold', async () => {
    const { pool, take } = create(800);
    const held: unknown[] = [];
    const gone = Array.from({ length: 50 }, () => {
      // Not one that was given up just now.
      const buffer = Buffer.alloc(take(100).length);
      held.push(pool.keep(buffer, { last: true, onLost: () => undefined }));
      return new WeakRef(buffer);
    });
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    // One, an eighth of the budget, may be kept; a few more lie on the stack.
    const alive = new Set(
      gone.map((reference) => reference.deref()).filter((buffer) => buffer !== undefined),
    );
    expect(alive.size).toBeLessThan(5);
    expect(held).toHaveLength(50);
  });
});

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}
