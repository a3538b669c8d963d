import { describe, expect, test } from 'vitest';
import { createCorpus } from './spellings.ts';
import { attackWorld, WORLDS } from './worlds.ts';

describe('no spelling of a path leads out of a tenant’s tree', () => {
  test('there are more than five hundred', () => {
    expect(createCorpus({ root: '/srv/files' }).spellings.length).toBeGreaterThan(500);
  });

  test.each(WORLDS)('$name', { timeout: 300_000 }, async (world) => {
    const { violations, pairs } = await attackWorld(world, { operations: world.operations, seed: 20_261 });
    expect(violations.slice(0, 10)).toEqual([]);
    expect(pairs).toBeGreaterThan(1200);
  });
});
