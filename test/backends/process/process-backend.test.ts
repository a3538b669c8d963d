import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  createProcessBackend,
  type ProcessBackend,
  type ProcessBackendOptions,
} from '../../../src/backends/process/index.ts';
import type { WriteOptions } from '../../../src/contract/backend.ts';
import type { DirectoryEntry } from '../../../src/contract/types.ts';
import { withBuffering } from '../../../src/layers/with-buffering.ts';
import { createTestContext } from '../../../src/testing/index.ts';
import { createOwnContext, moduleNamed, startSocketServer } from '../../support/process-backend/start.ts';

const REPLACE: WriteOptions = { create: true, exclusive: false, truncate: true, append: false };
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(options: ProcessBackendOptions): Promise<ProcessBackend> {
  const backend = await createProcessBackend(options);
  closing.push(() => backend.close());
  return backend;
}

async function startOdd(behaviour: string, faults: string[] = []): Promise<ProcessBackend> {
  const quiet = () => undefined;
  const log = {
    debug: quiet,
    info: quiet,
    warn: (_: object, text: string) => faults.push(text),
    error: quiet,
  };
  return await start({
    worker: moduleNamed('odd.mjs'),
    workerData: behaviour,
    openTimeout: 300,
    closeTimeout: 300,
    log,
  });
}

describe('a handler written by hand', () => {
  test('answers the eight operations, and that is all it is asked for', async () => {
    const context = createTestContext();
    const plain = await start({ fork: moduleNamed('plain.mjs') });
    expect(plain.beginWrite).toBeUndefined();
    expect(plain.name).toBe('process');
    const backend = withBuffering(plain, { maxFileBytes: 2 ** 20 });
    const upload = await backend.beginWrite(context, '/a', REPLACE);
    await upload.writeChunk(0, Buffer.from('content'));
    expect(await upload.finishWrite()).toEqual({ size: 7 });
    await backend.writeFile(context, '/empty', new Uint8Array(0));
    expect(await backend.fileInfo(context, '/a')).toEqual({ type: 'file', size: 7, mtime: 0, mode: 0o644 });
    expect(Buffer.from(await backend.readFile(context, '/a')).toString()).toBe('content');
    expect(await backend.rename(context, '/a', '/b')).toEqual({ size: 7 });
    const listed: DirectoryEntry[] = [];
    for await (const page of backend.listDir(context, '/')) listed.push(...page);
    expect(listed.map(({ name, size }) => [name, size])).toEqual([
      ['empty', 0],
      ['b', 7],
    ]);
    await backend.delete(context, '/b');
    await expect(backend.readFile(context, '/b')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(backend.makeDir(context, '/dir')).rejects.toMatchObject({ code: 'EROFS' });
  });

  test('hears the trace that a request belongs to', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const scope = { trace: { traceparent }, run: <T>(work: () => T) => work() };
    const plain = await start({ fork: moduleNamed('plain.mjs') });
    await plain.writeFile({ ...createTestContext(), scope }, '/a', Buffer.from('a'));
    const told = await plain.readFile(createTestContext(), '/trace');
    expect(JSON.parse(Buffer.from(told).toString())).toEqual({ traceparent });
  });

  test('hears whose request it is with `session`, and nothing of it without', async () => {
    const context = createTestContext({
      principal: { username: 'acme', session: { prefix: 'tenants/acme/' } },
    });
    const silent = await start({ fork: moduleNamed('plain.mjs') });
    await silent.writeFile(context, '/a', Buffer.from('a'));
    await expect(silent.readFile(context, '/session')).rejects.toMatchObject({ code: 'ENOENT' });
    const told = await start({ fork: moduleNamed('plain.mjs'), session: true });
    await told.writeFile(context, '/a', Buffer.from('a'));
    expect(JSON.parse(Buffer.from(await told.readFile(context, '/session')).toString())).toEqual({
      username: 'acme',
      attributes: { prefix: 'tenants/acme/' },
      connection: context.connection,
    });
  });
});

describe('a process that dies', () => {
  test('makes what is under way EIO, leaves nothing of an upload, and serves again when it is back', async () => {
    const server = await startSocketServer('memory.mjs');
    closing.push(server.close);
    const backend = await start({ socket: server.socket, session: true, openTimeout: 5000 });
    const context = createOwnContext();
    const upload = await backend.beginWrite?.(context, '/file', REPLACE);
    await upload?.writeChunk(0, Buffer.alloc(100_000));
    await upload?.sync();
    await server.restart();
    await expect(upload?.finishWrite()).rejects.toMatchObject({ code: 'EIO' });
    await upload?.abortWrite();
    await expect(backend.fileInfo(context, '/file')).rejects.toMatchObject({ code: 'ENOENT' });
    await backend.writeFile(context, '/file', Buffer.from('again'));
    expect((await backend.fileInfo(context, '/file')).size).toBe(5);
  });

  test('is EIO within the time for opening while nobody starts it, and rejects no later than that', async () => {
    const server = await startSocketServer('memory.mjs');
    const backend = await start({ socket: server.socket, openTimeout: 200 });
    await server.close();
    const before = performance.now();
    await expect(backend.fileInfo(createOwnContext(), '/')).rejects.toMatchObject({ code: 'EIO' });
    expect(performance.now() - before).toBeLessThan(2000);
    await expect(backend.probe()).rejects.toMatchObject({ code: 'EIO' });
  });

  test('cannot be found when the backend is made: EIO', async () => {
    const making = createProcessBackend({ socket: '/nowhere/backend.sock', openTimeout: 100 });
    await expect(making).rejects.toMatchObject({ code: 'EIO' });
  });
});

describe('a process that does not answer as it should', () => {
  const context = createTestContext();

  test('is ETIMEDOUT when it is slow, and goes on being asked', async () => {
    const backend = await startOdd('silent');
    await expect(backend.fileInfo(context, '/')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await backend.probe();
  });

  test('is taken for dead when it hangs, and started again', async () => {
    const faults: string[] = [];
    const backend = await startOdd('hung', faults);
    await expect(backend.fileInfo(context, '/')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    // Its event loop stands still: this waits for the next life, or is cut off with this one.
    await expect
      .poll(
        () =>
          backend.probe().then(
            () => 'up',
            () => 'down',
          ),
        { timeout: 5000 },
      )
      .toBe('up');
    expect(faults).toEqual(['process backend: the process of the backend is gone']);
  });

  test('is ETIMEDOUT when it takes writes and acknowledges none, and holds no more than the window', async () => {
    let reserved = 0;
    let most = 0;
    const memory = {
      tryReserve: (bytes: number) => {
        reserved += bytes;
        most = Math.max(most, reserved);
        return true;
      },
      release: (bytes: number) => {
        reserved -= bytes;
      },
    };
    const worker = { worker: moduleNamed('odd.mjs'), workerData: 'silent' };
    const backend = await start({ ...worker, openTimeout: 300, closeTimeout: 300, memory });
    const upload = await backend.beginWrite?.(context, '/file', REPLACE);
    const write = async () => {
      for (let offset = 0; offset < 2 ** 26; offset += 32_768)
        await upload?.writeChunk(offset, Buffer.alloc(32_768));
    };
    await expect(write()).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    expect(most).toBeLessThanOrEqual(5 * 2 ** 20);
    await upload?.abortWrite();
    // Those of which nothing has been heard yet have their own time.
    await expect.poll(() => reserved).toBe(0);
  });

  test('is EIO when the answer makes no sense, or its code is none', async () => {
    const faults: string[] = [];
    const backend = await startOdd('garbage', faults);
    for (let turn = 0; turn < 3; turn++) {
      await expect(backend.fileInfo(context, '/')).rejects.toMatchObject({ code: 'EIO' });
    }
    expect(faults).toHaveLength(1);
    const odd = await startOdd('unknownCode');
    await expect(odd.fileInfo(context, '/')).rejects.toMatchObject({ code: 'EIO' });
  });

  test('may say what nobody has asked: that is passed over', async () => {
    const backend = await startOdd('noise');
    expect(await backend.fileInfo(context, '/')).toMatchObject({ type: 'file', size: 7 });
  });

  test('is not waited for by those who have gone', async () => {
    const backend = await startOdd('silent');
    const leaving = new AbortController();
    const asked = backend.fileInfo(createTestContext({ signal: leaving.signal }), '/');
    leaving.abort();
    await expect(asked).rejects.toMatchObject({ code: 'ECANCELED' });
  });
});

describe('a socket', () => {
  test('that says what is no frame is closed, and the backend is EIO', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-'));
    closing.push(() => rm(folder, { recursive: true }));
    const socket = join(folder, 'garbage.sock');
    let closed = 0;
    const server = createServer((connection) => {
      connection
        .on('error', () => undefined)
        .once('close', () => closed++)
        .resume();
      connection.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    }).listen(socket);
    await once(server, 'listening');
    closing.push(async () => void server.close());
    await expect(createProcessBackend({ socket, openTimeout: 300 })).rejects.toMatchObject({ code: 'EIO' });
    expect(closed).toBeGreaterThan(0);
  });

  test('belongs to its owner alone, and takes the place of one whose process was killed', async () => {
    const server = await startSocketServer('memory.mjs');
    closing.push(server.close);
    await server.restart();
    expect((await stat(server.socket)).mode & 0o777).toBe(0o600);
  });
});

describe('an upload without an allowance for memory', () => {
  test('goes on write by write', async () => {
    const memory = { tryReserve: () => false, release: () => expect.unreachable() };
    const backend = await start({ worker: moduleNamed('memory.mjs'), session: true, memory });
    const context = createOwnContext();
    const upload = await backend.beginWrite?.(context, '/file', REPLACE);
    for (let index = 0; index < 20; index++)
      await upload?.writeChunk(index * 1000, Buffer.alloc(1000, index));
    expect(await upload?.finishWrite()).toMatchObject({ size: 20_000 });
    const expected = Buffer.concat(Array.from({ length: 20 }, (_, index) => Buffer.alloc(1000, index)));
    expect(expected.equals(await backend.readFile(context, '/file'))).toBe(true);
  });
});
