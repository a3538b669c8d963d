import { expect, test } from 'vitest';
import { createRefusalLog } from '../../src/ssh/refusal-log.ts';
import { collectLog } from '../support/collect-log.ts';

test('a flood of refusals is one warning a minute, with how many there were besides, and lines for who debugs', () => {
  const { log, lines } = collectLog();
  let now = 0;
  const refused = createRefusalLog(log, () => now);
  for (let second = 0; second < 150; second++) {
    now = second * 1000;
    refused('no header', `192.0.2.${second}`);
  }
  const warnings = lines.filter(({ level }) => level === 'warn');
  expect(warnings.map(({ fields }) => fields)).toEqual([
    { sourceIp: '192.0.2.0' },
    { sourceIp: '192.0.2.60', suppressed: 59 },
    { sourceIp: '192.0.2.120', suppressed: 59 },
  ]);
  expect(lines.filter(({ level }) => level === 'debug')).toHaveLength(147);
});

test('a flood of one kind does not hide another', () => {
  const { log, lines } = collectLog();
  const refused = createRefusalLog(log, () => 0);
  refused('not trusted', '192.0.2.1');
  refused('not trusted', '192.0.2.1');
  refused('no header', '10.0.0.1');
  expect(lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
    'not trusted',
    'no header',
  ]);
});
