import { expect, test } from 'vitest';
import { MessageAllowance } from '../../src/ssh/message-allowance.ts';
import { string, u32 } from './raw-handshake.ts';

const IGNORE = Buffer.from([2]);
const DATA = Buffer.from([94]);
const WINDOW_ADJUST = Buffer.from([93]);

let now = 0;
const taken = (allowance: MessageAllowance, message: Buffer, most = 5000) => {
  let count = 0;
  while (count < most && allowance.refusalOf(message) === undefined) count += 1;
  return count;
};

test('a thousand messages without data are taken at once, and two hundred a second from then on', () => {
  const allowance = new MessageAllowance(() => now);
  expect(taken(allowance, IGNORE)).toBe(1000);
  now += 1000;
  expect(taken(allowance, IGNORE)).toBe(200);
  now += 3_600_000;
  expect(taken(allowance, IGNORE)).toBe(1000);
});

test('data and what makes room for data are taken without end, even then', () => {
  const allowance = new MessageAllowance(() => now);
  taken(allowance, IGNORE);
  expect(taken(allowance, DATA)).toBe(5000);
  expect(taken(allowance, WINDOW_ADJUST)).toBe(5000);
});

test.each([
  [0, 'a channel for packets of next to nothing'],
  [1023, 'a channel for packets of next to nothing'],
  [1024, undefined],
  [2 ** 32 - 1, undefined],
])('a channel for packets of %i bytes: %s', (size, refusal) => {
  const opening = Buffer.concat([Buffer.from([90]), string('session'), u32(0), u32(2 ** 21), u32(size)]);
  expect(new MessageAllowance(() => now).refusalOf(opening)).toBe(refusal);
});

test('one that is cut is left to who reads it', () => {
  const opening = Buffer.concat([Buffer.from([90]), string('session'), u32(0)]);
  for (let length = 1; length <= opening.length; length++) {
    expect(new MessageAllowance(() => now).refusalOf(opening.subarray(0, length))).toBeUndefined();
  }
});
