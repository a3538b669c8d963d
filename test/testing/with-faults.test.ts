import { describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { Backend, StreamingBackend, Upload } from '../../src/contract/backend.ts';
import { FS_ERROR_CODES } from '../../src/contract/errors.ts';
import {
  createFaultPlan,
  createTestContext,
  type FaultyOperation,
  withFaults,
} from '../../src/testing/index.ts';

const context = createTestContext();
const REPLACE = { create: true, exclusive: false, truncate: true, append: false };
const BYTES = new TextEncoder().encode('content');

/** Memory with `/file` and `/dir` in it, and the plan of its faults. */
async function site({ seed = 1 } = {}) {
  const memory = createMemoryBackend();
  await memory.writeFile(context, '/file', BYTES);
  await memory.makeDir(context, '/dir');
  const plan = createFaultPlan({ seed });
  return { memory, plan, backend: withFaults(memory, plan) };
}

const beginFile = (backend: StreamingBackend) => backend.beginWrite(context, '/file', REPLACE);

async function list(backend: Backend, path: string): Promise<string[]> {
  const names: string[] = [];
  for await (const page of backend.listDir(context, path)) names.push(...page.map(({ name }) => name));
  return names;
}

/** Every operation, each as one call. */
const CALLS: Readonly<Record<FaultyOperation, (backend: StreamingBackend) => unknown>> = {
  listDir: (backend) => list(backend, '/file'),
  fileInfo: (backend) => backend.fileInfo(context, '/file'),
  makeDir: (backend) => backend.makeDir(context, '/file'),
  delDir: (backend) => backend.delDir(context, '/file'),
  delete: (backend) => backend.delete(context, '/file'),
  rename: (backend) => backend.rename(context, '/file', '/to'),
  readFile: (backend) => backend.readFile(context, '/file'),
  writeFile: (backend) => backend.writeFile(context, '/file', BYTES),
  readFileRange: (backend) => backend.readFileRange(context, '/file', { offset: 0, length: 1 }),
  beginWrite: beginFile,
  storedFile: (backend) => backend.storedFile(context, '/file'),
  locate: (backend) => backend.locate(context, '/file'),
  writeChunk: async (backend) => (await beginFile(backend)).writeChunk(0, BYTES),
  setSize: async (backend) => (await beginFile(backend)).setSize(1),
  readChunk: async (backend) => (await beginFile(backend)).readChunk(0, 1),
  setAttributes: async (backend) => (await beginFile(backend)).setAttributes({}),
  copyChunk: async (backend) => (await beginFile(backend)).copyChunk?.('/file', { offset: 0, length: 1 }, 0),
  sync: async (backend) => (await beginFile(backend)).sync(),
  finishWrite: async (backend) => (await beginFile(backend)).finishWrite(),
  abortWrite: async (backend) => (await beginFile(backend)).abortWrite(),
};
const OPERATIONS = Object.keys(CALLS) as FaultyOperation[];

describe('a fault', () => {
  test.each(OPERATIONS)(
    'of %s rejects the code, with operation and path, and is noted',
    async (operation) => {
      const { backend, plan } = await site();
      plan.fault({ operation, fail: 'EDQUOT' });
      const outcome = Promise.resolve().then(() => CALLS[operation](backend));
      await expect(outcome).rejects.toMatchObject({
        name: 'FsError',
        code: 'EDQUOT',
        operation,
        path: '/file',
      });
      expect(plan.calls.at(-1)).toEqual({ operation, path: '/file', outcome: 'EDQUOT', struck: true });
    },
  );

  test.each(OPERATIONS)('of %s throws what is no FsError as it is', async (operation) => {
    const { backend, plan } = await site();
    const thrown = new TypeError('a fault of the program');
    plan.fault({ operation, throws: thrown });
    await expect(Promise.resolve().then(() => CALLS[operation](backend))).rejects.toBe(thrown);
    expect(plan.calls.at(-1)).toMatchObject({ operation, outcome: 'thrown' });
  });

  test('knows every operation that memory and its uploads have', async () => {
    const { memory } = await site();
    const upload = await beginFile(memory);
    const known = [...Object.keys(memory), ...Object.keys(upload)].filter(
      (name) => !['name', 'size', 'unitAt', 'takesAtOnce'].includes(name),
    );
    expect(known.sort()).toEqual(OPERATIONS.toSorted());
  });

  test.each(FS_ERROR_CODES)('may be %s', async (code) => {
    const { backend, plan } = await site();
    plan.fault({ fail: code });
    await expect(backend.fileInfo(context, '/file')).rejects.toMatchObject({ code });
  });

  test('at the request keeps the backend from doing it, at the answer it is done', async () => {
    const { memory, backend, plan } = await site();
    const lost = plan.fault({ operation: 'delete', nth: 2, at: 'answer', fail: 'ETIMEDOUT' });
    plan.fault({ operation: 'delete', nth: 1, fail: 'ETIMEDOUT' });
    await expect(backend.delete(context, '/file')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    expect(await list(memory, '/')).toEqual(['file', 'dir']);
    expect(lost.hits).toBe(0);
    await expect(backend.delete(context, '/file')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    expect(await list(memory, '/')).toEqual(['dir']);
  });

  test('thrown at the request is thrown at once, before there is a promise', async () => {
    const { backend, plan } = await site();
    plan.fault({ throws: 'a string' });
    expect(() => backend.fileInfo(context, '/file')).toThrow('a string');
  });

  test('strikes the third chunk alone, of the path that is meant', async () => {
    const { backend, plan } = await site();
    const third = plan.fault({ operation: 'writeChunk', path: '/b', nth: 3, fail: 'ENOSPC' });
    const [a, b] = await Promise.all(['/a', '/b'].map((path) => backend.beginWrite(context, path, REPLACE)));
    const outcomes: string[] = [];
    for (let chunk = 0; chunk < 4; chunk += 1) {
      for (const upload of [a, b]) {
        const written = Promise.resolve(upload?.writeChunk(chunk, BYTES.subarray(0, 1)));
        outcomes.push(await written.then(() => 'ok').catch((error) => error.code));
      }
    }
    expect(outcomes).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'ENOSPC', 'ok', 'ok']);
    expect(third.hits).toBe(1);
  });

  test.each([
    ['a text', '/file'],
    ['a pattern', /^\/fi/],
    ['a function', (path: string) => path === '/file'],
  ])('is for the paths that %s says', async (_, path) => {
    const { backend, plan } = await site();
    plan.fault({ path, fail: 'EACCES' });
    await expect(backend.fileInfo(context, '/file')).rejects.toMatchObject({ code: 'EACCES' });
    expect(await backend.fileInfo(context, '/dir')).toMatchObject({ type: 'directory' });
  });

  test('is for several operations, as many times as told', async () => {
    const { backend, plan } = await site();
    plan.fault({ operation: ['fileInfo', 'readFile'], times: 2, fail: 'EIO' });
    const outcomes = [];
    for (const run of [CALLS.fileInfo, CALLS.storedFile, CALLS.readFile, CALLS.fileInfo]) {
      outcomes.push(
        await Promise.resolve(run(backend))
          .then(() => 'ok')
          .catch((error) => error.code),
      );
    }
    expect(outcomes).toEqual(['EIO', 'ok', 'EIO', 'ok']);
  });

  test('falls as the dice of the seed do', async () => {
    const thrown = async (seed: number) => {
      const { backend, plan } = await site({ seed });
      plan.fault({ chance: 0.3, fail: 'EIO' });
      for (let count = 0; count < 200; count += 1) {
        await backend.fileInfo(context, '/file').catch(() => undefined);
      }
      return plan.calls.map(({ struck }) => struck);
    };
    const first = await thrown(7);
    expect(await thrown(7)).toEqual(first);
    expect(await thrown(8)).not.toEqual(first);
    const struck = first.filter(Boolean).length;
    expect(struck).toBeGreaterThan(30);
    expect(struck).toBeLessThan(90);
  });

  test('breaks a listing in its middle, and the listing below it is let go', async () => {
    let closed = false;
    const plan = createFaultPlan();
    const backend = withFaults(
      {
        ...createMemoryBackend(),
        async *listDir() {
          try {
            for (;;) yield [];
          } finally {
            closed = true;
          }
        },
      },
      plan,
    );
    plan.fault({ operation: 'listDir', nth: 3, fail: 'EIO' });
    await expect(list(backend, '/')).rejects.toMatchObject({ code: 'EIO' });
    expect(plan.calls.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'EIO']);
    expect(closed).toBe(true);
  });
});

describe('a call that hangs', () => {
  test('goes on when it is released, and not before', async () => {
    const { memory, backend, plan } = await site();
    const held = plan.fault({ operation: 'delete', hang: true });
    const deleting = backend.delete(context, '/file');
    await held.reached();
    expect(plan.calls).toMatchObject([{ operation: 'delete', outcome: 'pending', struck: true }]);
    expect(await list(memory, '/')).toContain('file');
    held.release();
    await deleting;
    expect(await list(memory, '/')).not.toContain('file');
    expect(plan.calls).toMatchObject([{ outcome: 'ok' }]);
  });

  test('at the answer has been carried out', async () => {
    const { memory, backend, plan } = await site();
    const held = plan.fault({ operation: 'delete', at: 'answer', hang: true });
    const deleting = backend.delete(context, '/file');
    await held.reached();
    expect(await list(memory, '/')).not.toContain('file');
    plan.clear();
    await deleting;
  });

  test('rejects ECANCELED when the signal aborts, also one that had aborted before', async () => {
    const { backend, plan } = await site();
    const gone = new AbortController();
    const call = createTestContext({ signal: gone.signal });
    const held = plan.fault({ operation: ['readFile', 'writeChunk'], hang: true });
    const upload = await backend.beginWrite(call, '/a', REPLACE);
    const waiting = [backend.readFile(call, '/file'), upload.writeChunk(0, BYTES)];
    await held.reached(2);
    gone.abort();
    for (const each of waiting) await expect(each).rejects.toMatchObject({ code: 'ECANCELED' });
    await expect(backend.readFile(call, '/file')).rejects.toMatchObject({ code: 'ECANCELED' });
  });

  test.each(['setAttributes', 'locate'] as const)(
    'is none of %s, which gives no promise',
    async (operation) => {
      const { plan } = await site();
      expect(() => plan.fault({ operation, hang: true })).toThrow(TypeError);
    },
  );
});

describe('an upload with faults', () => {
  const contents = async (backend: Backend) =>
    new TextDecoder().decode(await backend.readFile(context, '/file'));

  test('gives a promise for a chunk only where the upload below does', async () => {
    const { backend } = await site();
    expect((await beginFile(backend)).writeChunk(0, BYTES)).toBeUndefined();
  });

  test.each(['request', 'answer'] as const)(
    'that has refused a chunk at the %s is not stored by finishWrite',
    async (at) => {
      const { memory, backend, plan } = await site();
      plan.fault({ operation: 'writeChunk', nth: 2, at, fail: 'ENOSPC' });
      const upload = await beginFile(backend);
      await upload.writeChunk(0, BYTES.subarray(0, 2));
      await expect(upload.writeChunk(2, BYTES)).rejects.toMatchObject({ code: 'ENOSPC' });
      await expect(upload.finishWrite()).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(await contents(memory)).toBe('content');
    },
  );

  test('whose finishWrite is struck is aborted below, and has ended', async () => {
    const begun: Upload[] = [];
    const { memory, plan } = await site();
    const backend = withFaults(
      {
        ...memory,
        beginWrite: async (...args) => {
          const upload = await memory.beginWrite(...args);
          begun.push(upload);
          return upload;
        },
      },
      plan,
    );
    plan.fault({ operation: 'finishWrite', nth: 1, fail: 'EIO' });
    const upload = await beginFile(backend);
    await expect(upload.finishWrite()).rejects.toMatchObject({ code: 'EIO' });
    await expect(begun[0]?.sync()).rejects.toMatchObject({ code: 'EBADF' });
    await expect(upload.finishWrite()).rejects.toMatchObject({ code: 'EBADF' });
    plan.fault({ operation: 'beginWrite', at: 'answer', fail: 'EIO' });
    await expect(beginFile(backend)).rejects.toMatchObject({ code: 'EIO' });
    await expect(begun[1]?.sync()).rejects.toMatchObject({ code: 'EBADF' });
  });
});

test('what a backend has not, it has not under faults either', () => {
  const { beginWrite: _, locate: __, ...whole } = createMemoryBackend();
  const backend = withFaults(whole as Backend, createFaultPlan());
  expect(Object.keys(backend).sort()).toEqual(Object.keys(whole).sort());
});
