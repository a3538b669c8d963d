import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import type ssh2 from 'ssh2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { MiB } from '../clients/ssh2-client.ts';
import { run } from '../support/processes.ts';
import { sshOptions } from '../support/service.ts';
import { Flag, open, read, stat } from '../support/sftp-packets.ts';
import { createWorkspace, USERNAME, type Workspace } from '../support/workspace.ts';
import { type InProcess, startInProcess } from './in-process.ts';

const SIZE = 64 * MiB;

let workspace: Workspace;
let running: InProcess;
beforeEach(async () => {
  workspace = await createWorkspace();
});
afterEach(async () => {
  await running.close();
  await workspace.remove();
});

/** Puts a file and gets it again; resolves with how many exchanges of keys the client has seen. */
async function thereAndBack(options: readonly string[]): Promise<number> {
  const [file, copy] = [workspace.path('file'), workspace.path('copy')];
  const bytes = randomBytes(SIZE);
  await writeFile(file, bytes);
  const args = ['-o', 'LogLevel=DEBUG1', ...options, ...sshOptions(workspace)];
  const { code, stderr } = await run(
    'sftp',
    [...args, '-P', String(running.port), '-b', '-', `${USERNAME}@127.0.0.1`],
    {
      input: `put ${file} /file\nget /file ${copy}\n`,
    },
  );
  expect(code, stderr.slice(-2000)).toBe(0);
  expect((await readFile(copy)).equals(bytes)).toBe(true);
  return stderr.split('SSH2_MSG_NEWKEYS received').length - 1;
}

describe('new keys', () => {
  test.each(['aes128-gcm@openssh.com', 'chacha20-poly1305@openssh.com', 'aes256-ctr'])(
    'as often as a client asks for them, with %s: no byte is lost in either direction',
    async (cipher) => {
      running = await startInProcess(createMemoryBackend());
      const exchanges = await thereAndBack(['-o', 'RekeyLimit=1M', '-o', `Ciphers=${cipher}`]);
      expect(exchanges).toBeGreaterThan(64);
    },
  );

  test('as soon as the server wants them, amid uploads and downloads', async () => {
    running = await startInProcess(createMemoryBackend(), { rekeying: { bytesPerKey: 2 * MiB } });
    expect(await thereAndBack([])).toBeGreaterThan(32);
  });

  test('that a client does not answer end its connection; what it asks for meanwhile waits', async () => {
    const backend = createMemoryBackend();
    let asked = 0;
    const fileInfo: typeof backend.fileInfo = (context, path) => {
      asked += 1;
      return backend.fileInfo(context, path);
    };
    running = await startInProcess(
      { ...backend, fileInfo },
      {
        rekeying: { bytesPerKey: 64 * 1024, timeoutMs: 3000 },
      },
    );
    const { client, side } = await running.connect();
    const session = await client.open();
    // From here on no KEXINIT of the server is heard.
    const { _protocol } = client.ssh as unknown as { _protocol: { _onPayload: (p: Buffer) => unknown } };
    const hear = _protocol._onPayload;
    const { _decipher } = _protocol as unknown as {
      _decipher: { _onPayload: (payload: Buffer) => unknown };
    };
    _decipher._onPayload = (payload) => (payload[0] === 20 ? undefined : hear(payload));
    const gone = once(side.socket, 'close');
    for (let id = 0; id < 20_000; id++) void session.send(stat(id, '/'));
    await gone;
    expect(running.messages).toContain('connection cut off');
    expect(asked).toBeGreaterThan(100);
    expect(asked).toBeLessThan(5000);
  });

  test('without end are more than a client may ask for', async () => {
    running = await startInProcess(createMemoryBackend());
    const { client, side } = await running.connect();
    const gone = once(side.socket, 'close');
    let exchanges = 0;
    const again = () => {
      exchanges += 1;
      (client.ssh as ssh2.Client & { _protocol: { rekey(): void } })._protocol.rekey();
    };
    client.ssh.on('handshake', again);
    again();
    await gone;
    expect(exchanges).toBeLessThan(100);
    expect(running.messages).toContain('connection cut off');
  });

  test('come while a client reads nothing, and its replies wait', async () => {
    const backend = createMemoryBackend();
    await backend.writeFile(
      { principal: { username: 'a', session: {} } } as never,
      '/big',
      Buffer.alloc(4 * MiB),
    );
    running = await startInProcess(backend);
    const { client } = await running.connect();
    const session = await client.open();
    const handle = await session.send(open(1, '/big', Flag.READ));
    if (handle.kind !== 'handle') throw new Error('no handle');
    const replies = Promise.all(
      Array.from({ length: 40 }, (_, id) => session.send(read(id, handle.handle, 0, 100_000))),
    );
    (client.ssh as ssh2.Client & { _protocol: { rekey(): void } })._protocol.rekey();
    expect(new Set((await replies).map(({ kind }) => kind))).toEqual(new Set(['data']));
  });
});
