import { createHash, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { StreamingBackend } from '../../src/contract/backend.ts';
import { parseSum, type SidecarKind } from '../../src/layers/sidecars.ts';
import { withIngestion } from '../../src/layers/with-ingestion.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { contentOf } from '../support/sftp-driver.ts';
import { SILENT, watchJobs } from '../support/watch-jobs.ts';

const REPLACE = { create: true, exclusive: false, truncate: true, append: false };
const DATA = randomBytes(2_500_000);
const sumOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let backend: StreamingBackend;
let memory: StreamingBackend;
let paths: () => string[];
let ids: () => string[];
let uploads: number;
let warned: string[];

function begin(sidecar: SidecarKind): void {
  const { publisher, jobs } = watchJobs();
  const isTemporary = (path: string) => path.endsWith('.part');
  const log = { ...SILENT, warn: (_: unknown, message: string) => void warned.push(message) };
  memory = createMemoryBackend();
  backend = withIngestion(memory, { publisher, isTemporary, reportsRenames: false, sidecar, log });
  paths = () => jobs.map(({ delivery }) => delivery.path);
  ids = () => jobs.map(({ delivery }) => delivery.id);
}
beforeEach(() => {
  uploads = 0;
  warned = [];
});

async function put(path: string, content: string | Uint8Array, who = createTestContext()): Promise<void> {
  uploads += 1;
  const call = { ...who, uploadId: `upload-${uploads}` };
  const upload = await backend.beginWrite(call, path, REPLACE);
  await upload.writeChunk(0, Buffer.from(content));
  await upload.finishWrite();
}
const rename = (from: string, to: string) => backend.rename(createTestContext(), from, to);

describe('NAME.done', () => {
  beforeEach(() => begin('done'));

  test('gives the job of NAME, and has none itself', async () => {
    await put('/a.csv', DATA);
    expect(paths()).toEqual([]);
    await put('/a.csv.done', '');
    expect(paths()).toEqual(['/a.csv']);
    expect(ids()).toEqual(['upload-1']);
  });

  test('that came before NAME says nothing of it', async () => {
    await put('/a.csv.done', sumOf(DATA));
    await put('/a.csv', DATA);
    expect(paths()).toEqual([]);
    await put('/a.csv.done', '');
    expect(paths()).toEqual(['/a.csv']);
  });

  test('may come by a rename, as NAME may', async () => {
    await put('/a.csv.part', DATA);
    await put('/a.csv.done.part', '');
    await rename('/a.csv.part', '/a.csv');
    expect(paths()).toEqual([]);
    await rename('/a.csv.done.part', '/a.csv.done');
    expect(ids()).toEqual(['upload-1']);
  });

  test.each(['/dir.done', '/.done', '/none.done'])(
    '%s, of no file, is stored and gives no job',
    async (path) => {
      await backend.makeDir(createTestContext(), '/dir');
      await put(path, 'x');
      expect(paths()).toEqual([]);
      expect(await contentOf(backend, path)).toBe('x');
    },
  );

  test('again gives the same job again: its id tells', async () => {
    await put('/a.csv', DATA);
    await put('/a.csv.done', '');
    await put('/a.csv.done', '');
    expect(ids()).toEqual(['upload-1', 'upload-1']);
  });
});

describe('NAME.sha256', () => {
  beforeEach(() => begin('sha256'));

  test('gives the job of NAME if it is its sum', async () => {
    await put('/a.csv', DATA);
    expect(paths()).toEqual([]);
    await put('/a.csv.sha256', `${sumOf(DATA)}  a.csv\n`);
    expect(ids()).toEqual(['upload-1']);
    expect(paths()).toEqual(['/a.csv']);
  });

  test('that is not its sum is refused, and not stored; NAME sent again has its job with it', async () => {
    await put('/a.csv', DATA.subarray(0, 1_000_000));
    await expect(put('/a.csv.sha256', sumOf(DATA))).rejects.toMatchObject({
      code: 'EIO',
      message: expect.stringContaining('a.csv does not have this SHA-256'),
    });
    expect(paths()).toEqual([]);
    expect(await contentOf(backend, '/a.csv.sha256')).toBeUndefined();
    await put('/a.csv', DATA);
    expect(paths()).toEqual([]);
    await put('/a.csv.sha256', sumOf(DATA));
    expect(ids()).toEqual(['upload-3']);
  });

  test('that came first gives the job as soon as NAME is there', async () => {
    await put('/a.csv.sha256', sumOf(DATA));
    expect(paths()).toEqual([]);
    await put('/a.csv', DATA);
    expect(ids()).toEqual(['upload-2']);
  });

  test('of an earlier NAME holds the next one until its own comes', async () => {
    await put('/a.csv', DATA);
    await put('/a.csv.sha256', sumOf(DATA));
    await put('/a.csv', 'another');
    expect(ids()).toEqual(['upload-1']);
    expect(warned).toHaveLength(1);
    await put('/a.csv.sha256', sumOf(Buffer.from('another')));
    expect(ids()).toEqual(['upload-1', 'upload-3']);
  });

  test('may come by a rename, as NAME may; one that does not prove it fails the rename', async () => {
    await put('/a.csv.part', DATA);
    await put('/a.csv.sha256.part', sumOf(DATA));
    await rename('/a.csv.sha256.part', '/a.csv.sha256');
    expect(paths()).toEqual([]);
    await rename('/a.csv.part', '/a.csv');
    expect(ids()).toEqual(['upload-1']);
    await put('/a.csv.sha256.part', sumOf(Buffer.from('?')));
    await expect(rename('/a.csv.sha256.part', '/a.csv.sha256')).rejects.toMatchObject({ code: 'EIO' });
    expect(await contentOf(backend, '/a.csv.sha256')).toBe(sumOf(DATA));
  });

  test('of an empty file is one too', async () => {
    await put('/empty', '');
    await put('/empty.sha256', sumOf(Buffer.alloc(0)));
    expect(paths()).toEqual(['/empty']);
  });

  test.each([
    ['nothing', ''],
    ['no sum', 'hello'],
    ['more than any tool writes', sumOf(DATA) + ' '.repeat(70_000)],
  ])('with %s in it is refused', async (_, content) => {
    await put('/a.csv', DATA);
    await expect(put('/a.csv.sha256', content)).rejects.toMatchObject({ code: 'EIO' });
  });

  test('is judged even when the client has gone', async () => {
    const { readFileRange } = memory;
    Object.assign(memory, {
      readFileRange: async (...args: Parameters<typeof readFileRange>) => {
        args[0].signal.throwIfAborted();
        return await readFileRange(...args);
      },
    });
    await put('/a.csv', DATA);
    const call = { ...createTestContext(), signal: AbortSignal.abort() };
    const upload = await backend.beginWrite(call, '/a.csv.sha256', REPLACE);
    await upload.writeChunk(0, Buffer.from(sumOf(DATA)));
    await upload.finishWrite();
    expect(paths()).toEqual(['/a.csv']);
  });

  test('of many at once: one file of each user is read at a time, and each is judged', async () => {
    const reading = new Map<string, number>();
    const most = new Map<string, number>();
    let together = 0;
    const { readFileRange } = memory;
    Object.assign(memory, {
      readFileRange: async (...args: Parameters<typeof readFileRange>) => {
        const { username } = args[0].principal;
        const now = (reading.get(username) ?? 0) + 1;
        reading.set(username, now);
        most.set(username, Math.max(most.get(username) ?? 0, now));
        together = Math.max(together, [...reading.values()].filter((count) => count > 0).length);
        await new Promise(setImmediate);
        reading.set(username, (reading.get(username) ?? 0) - 1);
        return await readFileRange(...args);
      },
    });
    const users = ['one', 'other'].map((username) => createTestContext({ principal: { username } }));
    const files = users.flatMap((call) =>
      Array.from({ length: 4 }, (_, index) => ({ call, name: `/${call.principal.username}-${index}` })),
    );
    for (const { call, name } of files) await put(name, DATA, call);
    const results = await Promise.allSettled(
      files.map(({ call, name }, index) =>
        put(`${name}.sha256`, sumOf(index === 3 ? Buffer.from('?') : DATA), call),
      ),
    );
    expect([...most.values()]).toEqual([1, 1]);
    expect(together).toBe(2);
    expect(results.map(({ status }) => status).indexOf('rejected')).toBe(3);
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(paths().sort()).toEqual(files.map(({ name }) => name).filter((name) => name !== '/one-3'));
  });
});

describe('the sum in a sidecar', () => {
  const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];
  test.each([
    ['alone', a, a],
    ['in capitals', a.toUpperCase(), a],
    ['of sha256sum', `${a}  name\n`, a],
    ['of sha256sum -b', `${a} *name\r\n`, a],
    ['of a name with a backslash', `\\${a}  na\\\\me`, a],
    ['of shasum --tag', `SHA256 (name) = ${a}`, a],
    ['of one of several files', `${b}  other\n${a}  name\n`, a],
    ['under another name', `${a}  elsewhere/file`, a],
    ['of several files, none of them this', `${b}  other\n${a}  another\n`, undefined],
    ['too long', `${a}a`, undefined],
    ['too short', a.slice(1), undefined],
    ['none', '', undefined],
  ])('%s', (_, text, sum) => expect(parseSum(text, 'name')).toBe(sum));
});
