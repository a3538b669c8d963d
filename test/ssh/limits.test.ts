import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import ssh2 from 'ssh2';
import { expect, test, vi } from 'vitest';
import type { Gatekeeper } from '../../src/contract/auth.ts';
import { atInstant } from '../../src/ssh/at-instant.ts';
import { contentOf, deferred, watchUploads } from '../support/sftp-driver.ts';
import { close, open, UPLOAD, write } from '../support/sftp-packets.ts';
import { startInProcess } from './in-process.ts';

/** Everybody may come in, until an instant that lies this far ahead then. */
function until(ms: number): Gatekeeper {
  return {
    authenticate: async ({ username }) => ({
      username,
      session: {},
      limits: { expires: new Date(Date.now() + ms).toISOString() },
    }),
  };
}

test('when the time of a user is over their session finishes what is open, begins nothing, and ends', async () => {
  const { backend } = watchUploads();
  const { connect, messages, close: stop } = await startInProcess(backend, { authenticator: until(1000) });
  const { client } = await connect();
  const session = await client.open();
  const reply = await session.send(open(1, '/a', UPLOAD));
  const handle = reply.kind === 'handle' ? reply.handle : '';
  await vi.waitUntil(() => messages.includes('the user has expired'), { timeout: 10_000 });
  await expect(client.open()).rejects.toThrow();
  expect(await session.send(write(2, handle, 0, 'whole'))).toMatchObject({ code: 0 });
  expect(await session.send(close(3, handle))).toMatchObject({ code: 0 });
  const ended = once(client.ssh, 'close');
  expect(await session.send(open(4, '/b', UPLOAD))).toMatchObject({ code: 4 });
  await ended;
  expect(await contentOf(backend, '/a')).toBe('whole');
  await stop();
});

test('an upload that is still open when the drain is over is aborted', async () => {
  const { backend } = watchUploads();
  const { connect, close: stop } = await startInProcess(backend, {
    authenticator: until(500),
    drainSeconds: 0,
  });
  const { client } = await connect();
  const session = await client.open();
  const ended = once(client.ssh, 'close');
  await session.send(open(1, '/a', UPLOAD));
  await ended;
  expect(await contentOf(backend, '/a')).toBeUndefined();
  await stop();
});

test('who is inside often enough is told so at the end of the login, and the connection counts for nobody', async () => {
  const entered: string[] = [];
  let left = 0;
  const {
    connect,
    port,
    close: stop,
  } = await startInProcess(watchUploads().backend, {
    enter: ({ username }) => {
      if (entered.length > 0) return undefined;
      entered.push(username);
      return () => {
        left += 1;
      };
    },
  });
  const { client } = await connect();
  const second = new ssh2.Client();
  const told = deferred<Error>();
  second.on('error', told.resolve);
  second.connect({ sock: connectTcp(port, '127.0.0.1'), username: 'acme', password: 'x' });
  expect((await told.promise).message).toBe('too many sessions of this user');
  expect([entered, left]).toEqual([['acme'], 0]);
  const ended = once(client.socket, 'close');
  client.ssh.end();
  await ended;
  await vi.waitUntil(() => left === 1);
  await stop();
});

test('a client that has gone while it was asked who it is is inside no more', async () => {
  const asked = deferred();
  const answered = deferred();
  let [entered, inside] = [0, 0];
  const {
    port,
    close: stop,
    server,
  } = await startInProcess(watchUploads().backend, {
    authenticator: {
      authenticate: async ({ username }) => {
        asked.resolve();
        await answered.promise;
        return { username, session: {} };
      },
    },
    enter: () => {
      entered += 1;
      inside += 1;
      return () => {
        inside -= 1;
      };
    },
  });
  const socket = connectTcp(port, '127.0.0.1');
  const client = new ssh2.Client();
  client.on('error', () => undefined);
  client.connect({ sock: socket, username: 'acme', password: 'x' });
  await asked.promise;
  socket.destroy();
  await vi.waitUntil(() => server.connections === 0);
  answered.resolve();
  await vi.waitUntil(() => entered === 1);
  expect(inside).toBe(0);
  await stop();
});

test('an instant is waited for in steps, by the clock as it is set meanwhile', async () => {
  vi.useFakeTimers({ now: 0 });
  try {
    const hours = 3_600_000;
    let runs = 0;
    const run = () => {
      runs += 1;
    };
    atInstant(1000 * hours, run);
    const cancel = atInstant(900 * hours, run);
    cancel();
    await vi.advanceTimersByTimeAsync(999 * hours);
    expect(runs).toBe(0);
    await vi.advanceTimersByTimeAsync(hours);
    expect(runs).toBe(1);
    atInstant(2000 * hours, run);
    vi.setSystemTime(2000 * hours);
    await vi.advanceTimersByTimeAsync(hours);
    expect(runs).toBe(2);
    atInstant(0, run);
    expect(runs).toBe(3);
  } finally {
    vi.useRealTimers();
  }
});
