import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { printable } from '../../src/cli/dev/format.ts';
import { Terminal } from '../../src/cli/dev/terminal.ts';

test('what a client sends is shown, and not obeyed by a terminal', () => {
  expect(printable('/in/\u001b[2J\n\r\u009b31m\u007f\u202etxt')).toBe(
    '/in/\\u001b[2J\\u000a\\u000d\\u009b31m\\u007f\\u202etxt',
  );
  expect(printable('/in/Übergröße 😀.txt')).toBe('/in/Übergröße 😀.txt');
});

test('a path with controls does none of them in `sluice dev`', () => {
  const stream = new PassThrough();
  const terminal = new Terminal(stream as never);
  const path = '/\u001b[2J\u009bforged\nstored /other';
  terminal.otherEvent({ type: 'sluice.upload.failed.v1', data: { path } } as never);
  const text = String(stream.read());
  expect(text.split('\n').filter((line) => line.startsWith('stored'))).toEqual([]);
  expect([...text].filter((character) => character === '\u001b' || character === '\u009b')).toEqual([]);
});
