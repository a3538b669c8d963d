import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sftpByPassword } from '../support/askpass.ts';
import { run } from '../support/processes.ts';
import {
  createSurroundings,
  type Service,
  type Surroundings,
  sftp,
  sshOptions,
  startService,
} from '../support/service.ts';
import { createWorkspace, PASSWORD, USERNAME } from '../support/workspace.ts';

const MAX_SESSIONS = 3;

let around: Surroundings;
let service: Service;

beforeAll(async () => {
  around = await createSurroundings();
  service = await startService({
    ...around.env,
    SLUICE_BACKEND: 'memory',
    SLUICE_LOGIN_GRACE_SECONDS: '2',
    SLUICE_IDLE_TIMEOUT_SECONDS: '1',
    SLUICE_MAX_SESSIONS: String(MAX_SESSIONS),
  });
});
afterAll(async () => {
  await service?.stop();
  await around?.close();
});

/** The real `ssh`: options, then the command. */
function ssh(options: readonly string[], command: readonly string[] = []) {
  const target = ['-p', String(service.port), `${USERNAME}@127.0.0.1`];
  return run('ssh', [...sshOptions(around.workspace), ...options, ...target, ...command]);
}

const loginWithPassword = (username: string, password: string) =>
  sftpByPassword(service, around.workspace, username, password);

/** A TCP connection that only listens; resolves with all it got once the server ends it. */
function listenTo(): { readonly socket: Socket; readonly ended: Promise<string> } {
  const socket = connect(service.port, '127.0.0.1');
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text;
  });
  socket.on('error', () => undefined);
  return { socket, ended: new Promise((resolve) => socket.once('close', () => resolve(received))) };
}

describe('who may come in', () => {
  test('a user with the right password', async () => {
    const { code, stdout } = await loginWithPassword(USERNAME, PASSWORD);
    expect(stdout).toContain('Remote working directory: /');
    expect(code).toBe(0);
  });

  test.each([
    [USERNAME, 'wrong'],
    ['nobody', PASSWORD],
  ])('%s with the password "%s" may not', async (username, password) => {
    const { code, stderr } = await loginWithPassword(username, password);
    expect(code).not.toBe(0);
    expect(stderr).toContain('Permission denied');
    await service.log((record) => record['msg'] === 'authentication refused' && record['user'] === username);
  });

  test('a key that is not in the users document may not', async () => {
    const stranger = await createWorkspace();
    try {
      const { code, stderr } = await sftp(service, { ...around.workspace, identity: stranger.identity }, [
        'pwd',
      ]);
      expect(code).not.toBe(0);
      expect(stderr).toContain('Permission denied');
    } finally {
      await stranger.remove();
    }
  });

  test.each(['ecdsa', 'rsa'] as const)('a user with an %s key, and not with SHA-1', async (keyType) => {
    const workspace = await createWorkspace({ keyType });
    const other = await startService({
      ...around.env,
      SLUICE_BACKEND: 'memory',
      SLUICE_USERS_FILE: workspace.usersFile,
    });
    try {
      expect(await sftp(other, workspace, ['pwd'])).toMatchObject({ code: 0 });
      if (keyType === 'rsa') {
        const sha1 = ['-o', 'PubkeyAcceptedAlgorithms=ssh-rsa'];
        expect((await sftp(other, workspace, ['pwd'], sha1)).code).not.toBe(0);
      }
    } finally {
      await other.stop();
      await workspace.remove();
    }
  });

  test('no log line holds a password', async () => {
    await loginWithPassword(USERNAME, PASSWORD);
    expect(service.running.lines.join('\n')).not.toContain(PASSWORD);
  });
});

describe('what they may do', () => {
  test('neither a shell, nor a command, nor old scp: each is told so, and fails', async () => {
    const refused = { code: 1, stdout: '', stderr: expect.stringContaining('Only SFTP is served here') };
    expect(await ssh([], ['echo', 'hello'])).toMatchObject(refused);
    expect(await ssh(['-T'])).toMatchObject(refused);
    const scp = await run('scp', [
      '-O',
      ...sshOptions(around.workspace),
      ...['-P', String(service.port), around.workspace.usersFile, `${USERNAME}@127.0.0.1:/x`],
    ]);
    expect(scp).toMatchObject(refused);
  });

  test('another subsystem is refused', async () => {
    expect((await ssh(['-s'], ['netconf'])).code).not.toBe(0);
  });

  test('no forwarding, in either direction', async () => {
    const local = await ssh(['-o', 'ExitOnForwardFailure=yes', '-W', '127.0.0.1:22']);
    expect(local.code).not.toBe(0);
    const remote = await ssh(['-N', '-o', 'ExitOnForwardFailure=yes', '-R', '0:127.0.0.1:22']);
    expect(remote.code).not.toBe(0);
  });

  test('what their permissions leave: the rest is denied', async () => {
    const workspace = await createWorkspace({ permissions: ['list', 'write'] });
    const other = await startService({
      ...around.env,
      SLUICE_BACKEND: 'memory',
      SLUICE_USERS_FILE: workspace.usersFile,
    });
    try {
      expect(await sftp(other, workspace, [`put ${workspace.usersFile} /x`, 'ls /'])).toMatchObject({
        code: 0,
      });
      for (const command of [`get /x ${workspace.path('y')}`, 'rm /x', 'mkdir /d', 'rename /x /y']) {
        const { code, stderr } = await sftp(other, workspace, [command]);
        expect(stderr).toContain('ermission denied');
        expect(code).not.toBe(0);
      }
    } finally {
      await other.stop();
      await workspace.remove();
    }
  });
});

describe('the door', () => {
  test.each([
    ['KexAlgorithms=diffie-hellman-group14-sha1'],
    ['Ciphers=aes128-cbc'],
    ['MACs=hmac-sha1', 'Ciphers=aes128-ctr'],
    ['HostKeyAlgorithms=ssh-rsa'],
  ])('a client that only knows %s is refused', async (...options) => {
    const extra = options.flatMap((option) => ['-o', option]);
    expect(await sftp(service, around.workspace, ['pwd'], extra)).toMatchObject({ code: 255, stdout: '' });
    await service.log(
      ({ msg, reason }) => msg === 'handshake failed' && String(reason).includes('no matching'),
    );
  });

  test('no host key signs with SHA-1: that is not even offered, lest a client choose it that knows better', async () => {
    const verbose = await run('ssh', [
      ...['-o', 'LogLevel=DEBUG2', ...sshOptions(around.workspace)],
      ...['-p', String(service.port), `${USERNAME}@127.0.0.1`],
    ]);
    const offers = [...verbose.stderr.matchAll(/host key algorithms: (\S+)/g)].map(([, offer]) => offer);
    expect(offers.at(-1)?.split(',').sort()).toEqual([
      'ecdsa-sha2-nistp256',
      'rsa-sha2-256',
      'rsa-sha2-512',
      'ssh-ed25519',
    ]);
  });

  test.each(['ssh-ed25519', 'ecdsa-sha2-nistp256', 'rsa-sha2-512', 'rsa-sha2-256'])(
    'proves itself by a host key of %s',
    async (algorithm) => {
      const options = ['-o', `HostKeyAlgorithms=${algorithm}`];
      expect(await sftp(service, around.workspace, ['pwd'], options)).toMatchObject({ code: 0 });
    },
  );

  test('who does not log in in time is disconnected', async () => {
    const { ended } = listenTo();
    expect(await ended).toMatch(/^SSH-2\.0-Sluice\r\n/);
    await service.log(({ msg }) => msg === 'no login in time');
  });

  test('random bytes end the connection and nothing else', async () => {
    const { socket, ended } = listenTo();
    socket.write(Buffer.alloc(100_000, 0xa5));
    await ended;
    expect(await sftp(service, around.workspace, ['pwd'])).toMatchObject({ code: 0 });
  });

  test('one connection too many is refused, and there is room again once another is gone', async () => {
    const held = Array.from({ length: MAX_SESSIONS }, listenTo);
    await Promise.all(held.map(({ socket }) => new Promise((resolve) => socket.once('data', resolve))));
    expect((await sftp(service, around.workspace, ['pwd'])).code).not.toBe(0);
    for (const { socket } of held) socket.destroy();
    await Promise.all(held.map(({ ended }) => ended));
    // The server hears of it a moment later than we do: asking again until it has is the event here.
    await expect.poll(async () => (await sftp(service, around.workspace, ['pwd'])).code).toBe(0);
  });

  test('an idle session is ended', async () => {
    expect((await ssh(['-N'])).code).toBe(255);
    await service.log(({ msg }) => msg === 'idle connection closed');
  });
});

test('/livez and /readyz answer, everything else is not found', async () => {
  const status = async (path: string) =>
    (await fetch(`http://127.0.0.1:${service.healthPort}${path}`)).status;
  expect([await status('/livez'), await status('/readyz'), await status('/')]).toEqual([200, 200, 404]);
});
