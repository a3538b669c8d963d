import { once } from 'node:events';
import { connect } from 'node:net';
import ssh2 from 'ssh2';
import { expect, test } from 'vitest';
import type { Principal } from '../../src/contract/context.ts';
import { contentOf, deferred, isSettled, watchUploads } from '../support/sftp-driver.ts';
import { close, open, UPLOAD, write } from '../support/sftp-packets.ts';
import { startInProcess } from './in-process.ts';

/** Far more than any of these may take. */
const LONG_SECONDS = 3_600;

const nothing = watchUploads().backend;

test('a client that does not go when it is told to is cut off soon, not after the whole drain', async () => {
  const { server, connect } = await startInProcess(nothing);
  const { client } = await connect();
  // It reads nothing more, as one whose machine has gone.
  client.socket.pause();
  await server.close(LONG_SECONDS);
  client.socket.destroy();
});

test('a connection that finishes an upload opens no other session', async () => {
  const { backend } = watchUploads();
  const { server, connect } = await startInProcess(backend);
  const { client } = await connect();
  const session = await client.open();
  const reply = await session.send(open(1, '/a', UPLOAD));
  const handle = reply.kind === 'handle' ? reply.handle : '';
  const closed = server.close(LONG_SECONDS);
  await expect(client.open()).rejects.toThrow();
  expect(await session.send(write(2, handle, 0, 'whole'))).toMatchObject({ code: 0 });
  expect(await session.send(close(3, handle))).toMatchObject({ code: 0 });
  await closed;
  expect(await contentOf(backend, '/a')).toBe('whole');
});

test('a client that is being asked who it is is sent away, and is no one when the answer comes', async () => {
  const asked = deferred();
  const answer = deferred<Principal>();
  const { server, port, messages } = await startInProcess(nothing, {
    authenticator: {
      authenticate: () => {
        asked.resolve();
        return answer.promise;
      },
    },
  });
  const ssh = await knock(port);
  await asked.promise;
  const gone = once(ssh, 'close');
  await server.close(LONG_SECONDS);
  await gone;
  answer.resolve({ username: 'acme', session: {} });
  expect(await isSettled(answer.promise)).toBe(true);
  expect(server.sessions()).toEqual([]);
  expect(messages.filter((message) => message.startsWith('fault'))).toEqual([]);
});

test('when the drain is over an upload that is being finished is answered, and one that is open is not there', async () => {
  const finish = deferred();
  const { backend, calls } = watchUploads({ finishWrite: () => finish.promise });
  const { server, connect, messages } = await startInProcess(backend);
  const { client } = await connect();
  const [a, b] = [await client.open(), await client.open()];
  const opened = await a.send(open(1, '/a', UPLOAD));
  const handle = opened.kind === 'handle' ? opened.handle : '';
  await b.send(open(1, '/b', UPLOAD));
  await a.send(write(2, handle, 0, 'whole'));
  const answered = a.send(close(3, handle));
  await expect.poll(() => calls).toContain('finish /a');
  const closed = server.close(0);
  await expect.poll(() => calls).toContain('abort /b');
  expect(messages).toContain('the drain is over: cutting off');
  finish.resolve();
  expect(await answered).toMatchObject({ code: 0 });
  await closed;
  expect(await contentOf(backend, '/a')).toBe('whole');
  expect(await contentOf(backend, '/b')).toBeUndefined();
});

/** A client that tries to log in. */
async function knock(port: number): Promise<ssh2.Client> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const ssh = new ssh2.Client();
  ssh.on('error', () => undefined);
  ssh.connect({ sock: socket, username: 'acme', password: 'x' });
  return ssh;
}
