import { describe, expect, test } from 'vitest';
import { BufferPool } from '../../src/buffers/buffer-pool.ts';

describe('BufferPool', () => {
  test('gives a buffer of exactly the size, in memory of its own', () => {
    const buffer = new BufferPool(1000).take(100);
    expect(buffer.length).toBe(100);
    expect(buffer.buffer.byteLength).toBe(100);
  });

  test('gives out again what it was given, to one taker only', () => {
    const pool = new BufferPool(1000);
    const first = pool.take(100);
    pool.give(first);
    expect(pool.take(100)).toBe(first);
    expect(pool.take(100)).not.toBe(first);
  });

  test('never gives a buffer of another size', () => {
    const pool = new BufferPool(1000);
    pool.give(Buffer.alloc(100));
    pool.give(Buffer.alloc(200));
    expect(pool.take(150)).toHaveLength(150);
    expect(pool.take(200)).toHaveLength(200);
    expect(pool.take(100)).toHaveLength(100);
  });

  test('keeps no more than its limit, of all sizes together', () => {
    const pool = new BufferPool(250);
    const kept = [Buffer.alloc(100), Buffer.alloc(150)];
    const dropped = Buffer.alloc(100);
    for (const buffer of [...kept, dropped]) pool.give(buffer);
    expect(pool.take(100)).toBe(kept[0]);
    expect(pool.take(100)).not.toBe(dropped);
    expect(pool.take(150)).toBe(kept[1]);
  });

  test('has room again for what is taken', () => {
    const pool = new BufferPool(100);
    pool.give(Buffer.alloc(100));
    pool.take(100);
    const buffer = Buffer.alloc(100);
    pool.give(buffer);
    expect(pool.take(100)).toBe(buffer);
  });

  test('with no room keeps nothing', () => {
    const pool = new BufferPool(0);
    const buffer = Buffer.alloc(1);
    pool.give(buffer);
    expect(pool.take(1)).not.toBe(buffer);
  });
});
