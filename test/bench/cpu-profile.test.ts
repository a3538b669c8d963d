import { expect, test } from 'vitest';
import { byConcern, byOrigin, type CpuProfile, selfTimes } from '../../bench/measure/cpu-profile.ts';

const frame = (id: number, functionName: string, url = '', lineNumber = -1) => ({
  id,
  callFrame: { functionName, url, lineNumber },
});

const PROFILE: CpuProfile = {
  nodes: [
    frame(1, '(idle)'),
    frame(2, '(garbage collector)'),
    frame(3, 'write', 'file:///home/someone/sluice/dist/sftp/session.js', 9),
    frame(4, 'decrypt', 'file:///home/someone/sluice/node_modules/ssh2/lib/crypto.js', 99),
    // The same function, reached by another way.
    frame(5, 'decrypt', 'file:///home/someone/sluice/node_modules/ssh2/lib/crypto.js', 99),
    frame(6, 'send', 'file:///home/someone/sluice/node_modules/@smithy/core/dist/http.js', 0),
    frame(7, 'crc32'),
  ],
  startTime: 1000,
  samples: [1, 3, 4, 5, 6, 7, 2],
  timeDeltas: [500, 100, 200, 200, 100, 300, 100],
};

test('self times are shares of the time in which something was done, the largest first', () => {
  const [first, second] = selfTimes(PROFILE);
  expect(first).toEqual({ name: 'decrypt', place: 'ssh2/lib/crypto.js:100', seconds: 0.0004, share: 0.4 });
  expect(second).toEqual({ name: 'crc32', place: '', seconds: 0.0003, share: 0.3 });
});

test('no folder above the project is told', () => {
  const places = selfTimes(PROFILE).map(({ place }) => place);
  expect(places).toContain('dist/sftp/session.js:10');
  expect(places.join()).not.toContain('someone');
});

test('only samples within the interval count', () => {
  expect(selfTimes(PROFILE, { from: 1550, to: 1800 }).map(({ name, share }) => [name, share])).toEqual([
    ['decrypt', 2 / 3],
    ['write', 1 / 3],
  ]);
});

test('shares are summed by package', () => {
  const shares = byOrigin(selfTimes(PROFILE)).map(({ origin, share }) => [origin, Math.round(share * 100)]);
  expect(shares).toEqual([
    ['ssh2', 40],
    ['native', 30],
    ['dist', 10],
    ['@smithy/core', 10],
    ['(garbage collector)', 10],
  ]);
});

test('time goes to the innermost function whose concern is known, else to the origin', () => {
  const nodes = PROFILE.nodes.map((node) => (node.id === 6 ? { ...node, children: [7, 4] } : node));
  const concernOf = ({ name }: { name: string }, depth: number) => {
    if (name === 'decrypt' && depth === 0) return 'decryption';
    return name === 'send' ? 'sending' : undefined;
  };
  const times = byConcern({ ...PROFILE, nodes }, concernOf);
  expect([...times].map(([concern, seconds]) => [concern, Math.round(seconds * 1e6)])).toEqual([
    ['dist', 100],
    ['decryption', 400],
    ['sending', 400],
    ['(garbage collector)', 100],
  ]);
});
