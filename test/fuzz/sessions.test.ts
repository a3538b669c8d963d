import { expect, test } from 'vitest';
import { fuzzSessions } from './sessions.ts';

test('sessions of requests right and wrong are answered in order or ended, and nothing breaks', {
  timeout: 60_000,
}, async () => {
  const { violations, replies, abandoned, sessions } = await fuzzSessions({ requests: 10_000, seed: 20_265 });
  expect(violations.slice(0, 5)).toEqual([]);
  // The dice are worth something only if they meet everything.
  const kinds = ['version', 'status', 'bad message', 'handle', 'data', 'name', 'attrs', 'extended'];
  expect([...replies.keys()].sort()).toEqual(kinds.sort());
  expect(abandoned).toBeGreaterThan(0);
  expect(abandoned).toBeLessThan(sessions / 2);
});
