import { expect, test } from 'vitest';
import { Discard } from '../../bench/targets/ssh2-bare/discard.ts';

const INIT = Buffer.from('00000005' + '01' + '00000003', 'hex');
/** WRITE, id 7, handle "h", offset 0, two bytes. */
const WRITE = Buffer.from(
  `${'00000018'}06${'00000007'}${'00000001'}68${'0000000000000000'}${'00000002'}aabb`,
  'hex',
);
/** STATUS, id 7, OK, no message, no language. */
const OK = '00000011' + '65' + '00000007' + '00000000' + '00000000' + '00000000';

function repliesTo(...chunks: readonly Buffer[]): string {
  const sent: Buffer[] = [];
  const discard = new Discard((replies) => sent.push(replies));
  for (const chunk of chunks) discard.receive(chunk);
  return Buffer.concat(sent).toString('hex');
}

test('INIT is answered with version 3 and the limits extension', () => {
  const reply = Buffer.from(repliesTo(INIT), 'hex');
  expect(reply.subarray(4, 9).toString('hex')).toBe('0200000003');
  expect(reply.toString('latin1')).toContain('limits@openssh.com');
});

test('each WRITE is answered with OK', () => {
  expect(repliesTo(Buffer.concat([WRITE, WRITE]))).toBe(OK + OK);
});

test('a packet is found however the bytes are cut', () => {
  const bytes = Buffer.concat([WRITE, WRITE]);
  expect(repliesTo(...[...bytes].map((byte) => Buffer.of(byte)))).toBe(OK + OK);
});
