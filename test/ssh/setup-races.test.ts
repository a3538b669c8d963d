import { once } from 'node:events';
import ssh2, { type ClientChannel } from 'ssh2';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { Credentials } from '../../src/contract/auth.ts';
import { type Deferred, deferred } from '../support/sftp-driver.ts';
import { stat } from '../support/sftp-packets.ts';
import { type InProcess, startInProcess, type TestClient } from './in-process.ts';

/** What ssh2's client can send that it would not send by itself. */
interface Internals {
  readonly _protocol: {
    session(id: number, window: number, packet: number): void;
    subsystem(channel: number, name: string, wantReply: boolean): void;
    exec(channel: number, command: string, wantReply: boolean): void;
    shell(channel: number, wantReply: boolean): void;
    channelData(channel: number, bytes: Buffer): void;
    authPassword(username: string, password: string): void;
  };
  readonly _chanMgr: { add(callback: (error: Error | undefined, info: unknown) => void): number };
}
interface ChannelInternals {
  readonly outgoing: { readonly id: number };
}

let site: InProcess;
/** Passwords that were asked about, each with who decides. */
let asked: { readonly credentials: Credentials; readonly decision: Deferred<boolean> }[];
let decides: (credentials: Credentials) => Promise<boolean>;

beforeEach(async () => {
  asked = [];
  decides = async () => true;
  site = await startInProcess(createMemoryBackend(), {
    authenticator: {
      authenticate: async (credentials) => {
        const decision = deferred<boolean>();
        asked.push({ credentials, decision });
        decides(credentials).then(decision.resolve, decision.reject);
        return (await decision.promise) ? { username: credentials.username, session: {} } : undefined;
      },
    },
  });
});
afterEach(() => site.close());

const internalsOf = (ssh: ssh2.Client) => ssh as unknown as Internals;
const internalsOfChannel = (channel: ClientChannel) => channel as unknown as ChannelInternals;

/** A client that has the server's keys, and says nothing of who it is until `logIn` is called. */
async function connectOnly() {
  const ssh = new ssh2.Client();
  ssh.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => ssh.once('close', () => resolve()));
  const offered = deferred<(method: unknown) => void>();
  ssh.connect({
    host: '127.0.0.1',
    port: site.port,
    username: 'acme',
    authHandler: (_left, _partial, next) => offered.resolve(next as (method: unknown) => void),
  });
  const next = await offered.promise;
  return {
    ssh,
    closed,
    logIn: async () => {
      next({ type: 'password', username: 'acme', password: 'x' });
      await once(ssh, 'ready');
    },
  };
}

/** Asks for a channel; whether there is one. */
function openChannel(ssh: ssh2.Client): Promise<boolean> {
  const { _protocol, _chanMgr } = internalsOf(ssh);
  return new Promise((resolve) => {
    const id = _chanMgr.add((error) => resolve(error === undefined || error === null));
    _protocol.session(id, 65_536, 32_768);
  });
}

async function openSession({ ssh, open }: TestClient) {
  const session = await open();
  return { session, protocol: internalsOf(ssh)._protocol };
}

test('before the login there are no channels, and what is sent to one is not heard', async () => {
  const { ssh, logIn } = await connectOnly();
  const { _protocol } = internalsOf(ssh);
  expect(await openChannel(ssh)).toBe(false);
  for (let id = 0; id < 3; id += 1) {
    _protocol.subsystem(id, 'sftp', false);
    _protocol.exec(id, 'id', false);
    _protocol.channelData(id, Buffer.from('00000005010000000003', 'hex'));
  }
  expect(await openChannel(ssh)).toBe(false);
  expect(asked).toEqual([]);
  expect(site.server.sessions()).toEqual([]);
  await logIn();
  expect(await openChannel(ssh)).toBe(true);
  ssh.end();
});

test('a login that is not decided opens nothing', async () => {
  decides = () => new Promise(() => undefined);
  const { ssh, logIn } = await connectOnly();
  void logIn().catch(() => undefined);
  expect(await openChannel(ssh)).toBe(false);
  expect(site.server.sessions()).toEqual([]);
  ssh.destroy();
});

test('who has logged in cannot become somebody else', async () => {
  const { ssh, logIn, closed } = await connectOnly();
  await logIn();
  expect(site.server.sessions().map(({ username }) => username)).toEqual(['acme']);
  internalsOf(ssh)._protocol.authPassword('globex', 'x');
  await closed;
  expect(asked.map(({ credentials }) => credentials.username)).toEqual(['acme']);
});

test('another name while the first is being decided ends the connection, and the first is not let in', async () => {
  decides = () => new Promise(() => undefined);
  const { ssh, closed } = await connectOnly();
  const { _protocol } = internalsOf(ssh);
  _protocol.authPassword('acme', 'x');
  _protocol.authPassword('globex', 'x');
  await closed;
  expect(asked).toHaveLength(1);
  asked[0]?.decision.resolve(true);
  expect(site.server.sessions()).toEqual([]);
});

test('passwords that do not wait for their answer are asked about one at a time, and too many end the connection', async () => {
  let [atOnce, most] = [0, 0];
  decides = async () => {
    atOnce += 1;
    most = Math.max(most, atOnce);
    await new Promise((resolve) => setImmediate(resolve));
    atOnce -= 1;
    return false;
  };
  const { ssh, closed, logIn } = await connectOnly();
  void logIn().catch(() => undefined);
  for (let count = 0; count < 40; count += 1)
    internalsOf(ssh)._protocol.authPassword('acme', `guess ${count}`);
  await closed;
  expect(most).toBe(1);
  expect(asked.length).toBeLessThanOrEqual(10);
});

test('a channel has one SFTP session: another, a shell or a command on it changes nothing, and each request is answered once', async () => {
  const { client } = await site.connect();
  const { session, protocol } = await openSession(client);
  const { id } = internalsOfChannel(session.channel).outgoing;
  let bytes = 0;
  session.channel.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  const before = await session.send(stat(1, '/'));
  const ofOne = bytes;
  for (const isReplyWanted of [true, false]) {
    protocol.subsystem(id, 'sftp', isReplyWanted);
    protocol.subsystem(id, 'shell', isReplyWanted);
    protocol.exec(id, 'id', isReplyWanted);
    protocol.shell(id, isReplyWanted);
  }
  const after = await session.send(stat(2, '/'));
  expect([before, after]).toMatchObject([
    { kind: 'attrs', id: 1 },
    { kind: 'attrs', id: 2 },
  ]);
  expect(bytes).toBe(2 * ofOne);
  client.ssh.end();
});

test('a subsystem that there is not, asked for without an answer, ends nothing', async () => {
  const { client } = await site.connect();
  const { session, protocol } = await openSession(client);
  expect(await openChannel(client.ssh)).toBe(true);
  for (let id = 0; id < 5; id += 1) protocol.subsystem(id, 'netconf', false);
  expect(await session.send(stat(1, '/'))).toMatchObject({ kind: 'attrs' });
  client.ssh.end();
});

test('a channel on which a command was refused does not become an SFTP session', async () => {
  const { client } = await site.connect();
  const channel = await new Promise<ClientChannel>((resolve, reject) =>
    client.ssh.exec('id', (error, opened) => (error ? reject(error) : resolve(opened))),
  );
  const { id } = internalsOfChannel(channel).outgoing;
  internalsOf(client.ssh)._protocol.subsystem(id, 'sftp', false);
  internalsOf(client.ssh)._protocol.channelData(id, Buffer.from('00000005010000000003', 'hex'));
  const received: Buffer[] = [];
  channel.on('data', (bytes: Buffer) => received.push(bytes));
  await once(channel, 'close');
  expect(received).toEqual([]);
  const session = await client.open();
  expect(await session.send(stat(1, '/'))).toMatchObject({ kind: 'attrs' });
  client.ssh.end();
});
