import { expect, test } from 'vitest';
import { playRound } from '../../bench/measure/rounds.ts';

const SERVERS = ['a', 'b', 'c'].map((name) => ({ name, pid: process.pid }));

async function turnsOf(number: number, steps: number): Promise<string> {
  const turns: string[] = [];
  await playRound(SERVERS, { number, steps, settleMs: 0 }, async ({ name }, step) => {
    turns.push(`${name}${step}`);
  });
  return turns.join(' ');
}

test('servers take turns step by step, and each step begins with the one that ended the last', async () => {
  expect(await turnsOf(0, 3)).toBe('a0 b0 c0 c1 b1 a1 a2 b2 c2');
});

test('so does each round', async () => {
  expect([await turnsOf(0, 1), await turnsOf(1, 1), await turnsOf(1, 3)]).toEqual([
    'a0 b0 c0',
    'c0 b0 a0',
    'c0 b0 a0 a1 b1 c1 c2 b2 a2',
  ]);
});

test('the wall time of a server is that of its steps, without the others and the settling', async () => {
  const shares = await playRound(SERVERS, { number: 0, steps: 2, settleMs: 100 }, async ({ name }) => {
    if (name === 'b') await new Promise((resolve) => setTimeout(resolve, 30));
  });
  const [a, b, c] = shares.map(({ wallSeconds }) => wallSeconds) as [number, number, number];
  expect(b).toBeGreaterThanOrEqual(0.059);
  expect(Math.max(a, c)).toBeLessThan(b);
});
