import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { FeedLimits } from '../../src/console/feed.ts';
import { type Console, startConsole } from '../../src/console/server.ts';
import { ask, EventStream } from '../support/event-stream.ts';
import { BUILT_PAGE } from '../support/page-folder.ts';
import { aJob, aSession, ScriptedSource } from '../support/scripted-source.ts';

let source: ScriptedSource;
let site: Console;

beforeEach(() => {
  source = new ScriptedSource();
});
afterEach(async () => {
  vi.useRealTimers();
  await site.close();
});

async function start(limits: Partial<FeedLimits> = {}): Promise<void> {
  site = await startConsole({ host: '127.0.0.1', port: 0, source, pageFolder: BUILT_PAGE, limits });
}

/** The clock of the feed, and nothing else, stands still until it is moved. */
function holdTime(): void {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'Date'] });
}

test('a stream begins with everything', async () => {
  source.liveSessions.push(aSession({ bytesIn: 5 }));
  source.put({ id: 'live', path: '/in/a', expectedBytes: 10, bytes: 3 });
  source.put({ id: 'gone', path: '/in/b' });
  source.end('gone', 'EIO');
  source.activity.jobSent(aJob({ id: 'gone', type: 'failed', place: 'outbox' }));
  source.usedBytes = 7;
  await start();
  const stream = await EventStream.open(site.url);
  expect(stream.headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const { name, data } = await stream.event(() => true);
  expect(name).toBe('state');
  expect(data).toMatchObject({
    now: expect.any(Number),
    about: {
      service: 'sluice',
      version: '0.1.0',
      backend: 's3',
      startedAt: source.about.startedAt.getTime(),
    },
    sessions: [{ id: 's1', username: 'acme', clientVersion: 'OpenSSH_9.2p1', bytesIn: 5 }],
    uploads: [{ id: 'live', path: '/in/a', expectedBytes: 10, bytes: 3, traceId: null }],
    ended: [{ id: 'gone', path: '/in/b', result: 'EIO', key: null }],
    jobs: [{ id: 'gone', type: 'failed', place: 'outbox' }],
    buffer: { usedBytes: 7, limitBytes: 256 * 1024 * 1024 },
  });
});

test('live numbers are told twice a second', async () => {
  source.put({ id: 'u', bytes: 1 });
  await start();
  holdTime();
  const stream = await EventStream.open(site.url);
  await stream.event(({ name }) => name === 'state');
  source.put({ id: 'u', bytes: 2 });
  vi.advanceTimersByTime(499);
  source.put({ id: 'u', bytes: 3 });
  vi.advanceTimersByTime(1);
  const { data } = await stream.event(({ name }) => name === 'update');
  expect(data.uploads.changed).toEqual([{ id: 'u', bytes: 3, isFinishing: false, expectedBytes: null }]);
});

test('what was told once is not told again', async () => {
  source.put({ id: 'u', bytes: 1 });
  await start();
  holdTime();
  const stream = await EventStream.open(site.url);
  await stream.event(({ name }) => name === 'state');
  source.put({ id: 'u', bytes: 2 });
  vi.advanceTimersByTime(2000);
  source.usedBytes = 1;
  vi.advanceTimersByTime(500);
  await stream.update(({ buffer }) => buffer !== undefined);
  expect(stream.events.map(({ data }) => data.uploads?.changed?.length ?? 0)).toEqual([0, 1, 0]);
});

test('the end of an upload is told soon, and those that end together in one event', async () => {
  await start({ everyMs: 1_000_000 });
  const stream = await EventStream.open(site.url);
  await stream.event(({ name }) => name === 'state');
  for (const id of ['a', 'b']) source.put({ id });
  for (const id of ['a', 'b']) source.end(id);
  const { data } = await stream.event(({ name }) => name === 'update');
  expect(data.ended.map(({ id }: { id: string }) => id)).toEqual(['b', 'a']);
});

test('while nobody listens there is no timer, nobody looks and nobody is told', async () => {
  holdTime();
  await start();
  expect(vi.getTimerCount()).toBe(0);
  const streams = [await EventStream.open(site.url), await EventStream.open(site.url)];
  await vi.waitFor(() => expect(site.listenerCount).toBe(2));
  expect(vi.getTimerCount()).toBe(1);
  expect(source.watchers).toBe(1);
  source.put({ id: 'a' });
  source.end('a');
  for (const stream of streams) stream.close();
  await vi.waitFor(() => expect(site.listenerCount).toBe(0));
  expect(vi.getTimerCount()).toBe(0);
  expect(source.watchers).toBe(0);
  const looks = source.looks;
  vi.advanceTimersByTime(60_000);
  expect(source.looks).toBe(looks);
});

test('after a while without news the page hears that the server lives', async () => {
  holdTime();
  await start();
  const stream = await EventStream.open(site.url);
  await stream.event(({ name }) => name === 'state');
  vi.advanceTimersByTime(10_500);
  const { data } = await stream.event(({ name }) => name === 'update');
  expect(Object.keys(data)).toEqual(['now']);
});

test('one page too many is refused with what to do, and has its place once another has left', async () => {
  await start({ listeners: 1 });
  const first = await EventStream.open(site.url);
  expect(await ask(site.url, '/events')).toMatchObject({
    status: 503,
    body: 'Too many pages listen already: close one of them.\n',
  });
  first.close();
  await vi.waitFor(() => expect(site.listenerCount).toBe(0));
  const second = await EventStream.open(site.url);
  expect(await second.event(({ name }) => name === 'state')).toBeDefined();
});

test('a page that does not read is let go; one that reads goes on', async () => {
  // Far more than the buffers of two sockets hold.
  const uploads = 3000;
  for (let n = 0; n < uploads; n++) source.put({ id: `upload-${n}` });
  let bytes = 0;
  vi.spyOn(source, 'uploads').mockImplementation(() => {
    bytes += 1;
    return [...source.liveUploads.values()].map((upload) => ({ ...upload, bytes }));
  });
  await start({ everyMs: 5, unreadBytes: 64 * 1024 });
  const deaf = connect(site.port, '127.0.0.1');
  await once(deaf, 'connect');
  deaf.pause();
  deaf.write(`GET /events HTTP/1.1\r\nHost: 127.0.0.1:${site.port}\r\n\r\n`);
  await vi.waitFor(() => expect(site.listenerCount).toBe(1));
  const stream = await EventStream.open(site.url);
  await vi.waitFor(() => expect(site.listenerCount).toBe(1), { timeout: 20_000, interval: 20 });
  const seen = bytes;
  const { data } = await stream.event((event) => event.data.uploads?.changed?.[0]?.bytes > seen);
  expect(data.uploads.changed).toHaveLength(uploads);
  deaf.destroy();
});
