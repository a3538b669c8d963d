import type { WriteStream } from 'node:tty';
import { expect, test } from 'vitest';
import { Terminal } from '../../../src/cli/dev/terminal.ts';
import type { UploadFinishedEvent } from '../../../src/jobs/event.ts';

/** A bell, the title of the window, a cleared screen, a line of its own, an 8-bit CSI, and a name that reads backwards. */
const NAME = 'a\x07\x1b]0;owned\x07\x1b[2J\nstored \x7f\x9b31m\u202egpj.exe\u2066';
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const OBEYED = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

function shown(show: (terminal: Terminal) => void): string {
  const written: string[] = [];
  const stream = { write: (text: string) => written.push(text) > 0 } as unknown as WriteStream;
  show(new Terminal(stream));
  return written.join('');
}

const event = {
  specversion: '1.0',
  id: 'id',
  type: 'sluice.upload.finished.v1',
  source: '/sluice/dev',
  subject: `bucket/${NAME}`,
  time: '2026-11-22T10:00:00.000Z',
  datacontenttype: 'application/json',
  data: {
    ...{ bucket: 'bucket', key: NAME, versionId: null, etag: null, size: 1, checksum: null },
    ...{ path: `/${NAME}`, username: 'demo', session: {}, clientAddress: '127.0.0.1', clientVersion: NAME },
    ...{ startedAt: '2026-11-22T10:00:00.000Z', finishedAt: '2026-11-22T10:00:01.000Z' },
  },
} satisfies UploadFinishedEvent;

const root = {
  traceId: '1'.repeat(32),
  spanId: '1'.repeat(16),
  parentSpanId: undefined,
  name: 'sluice.upload',
  kind: 'server',
  startMs: 0,
  endMs: 1,
  error: `cannot open ${NAME}`,
  attributes: { 'sluice.path': NAME },
  events: [],
  links: [],
} as const;

test.each([
  ['an upload', (terminal: Terminal) => terminal.finishedUpload(event, [])],
  ['another event', (terminal: Terminal) => terminal.otherEvent(event)],
  ['a failed upload', (terminal: Terminal) => terminal.failedUpload('1', [root])],
  ['a warning', (terminal: Terminal) => terminal.warning(`about ${NAME}`)],
])('a name that a client has chosen does nothing to the terminal: %s', (_, show) => {
  const text = shown(show);
  expect(text).toContain('\\u001b[2J');
  expect(text).toContain('\\u202egpj.exe');
  expect(text).not.toMatch(OBEYED);
  expect(text.split('\n').filter((line) => line.startsWith('stored ')).length).toBeLessThan(2);
});
