import { describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { StreamingBackend, WriteOptions } from '../../src/contract/backend.ts';
import { FsError } from '../../src/contract/errors.ts';
import { withDuplicates } from '../../src/layers/with-duplicates.ts';
import { withIngestion } from '../../src/layers/with-ingestion.ts';
import { createFaultPlan, createTestContext, withFaults } from '../../src/testing/index.ts';
import { contentOf, watchUploads } from '../support/sftp-driver.ts';
import { SILENT, watchJobs } from '../support/watch-jobs.ts';

const REPLACE = { create: true, exclusive: false, truncate: true, append: false };
/** As scp opens what it writes from the beginning, and others what they go on with. */
const RESUME = { ...REPLACE, truncate: false };
const APPEND = { ...RESUME, append: true };
const call = { ...createTestContext(), uploadId: '1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed' };

type Policy = 'reject' | 'version';

const isTemporary = (path: string) => path.endsWith('.part');
const judged = (policy: Policy, backend: StreamingBackend) =>
  withDuplicates(backend, { policy, isTemporary });

/** The layer where it stands in the service, over files as they are given: path and content. */
async function site(policy: Policy, files: Readonly<Record<string, string>> = {}) {
  const memory = createMemoryBackend();
  const { publisher, jobs } = watchJobs();
  const ingesting = withIngestion(memory, { publisher, isTemporary, reportsRenames: false, log: SILENT });
  for (const [path, content] of Object.entries(files)) {
    await memory.writeFile(call, path, Buffer.from(content));
  }
  const content = (path: string) => contentOf(memory, path);
  return { backend: judged(policy, ingesting), memory, jobs, content, names: () => namesIn(memory) };
}

async function namesIn(backend: StreamingBackend): Promise<string[]> {
  const names: string[] = [];
  for await (const page of backend.listDir(call, '/')) names.push(...page.map(({ name }) => name));
  return names.sort();
}

async function upload(
  backend: StreamingBackend,
  path: string,
  text: string,
  { at = 0, ...open }: Partial<WriteOptions> & { readonly at?: number } = {},
): Promise<void> {
  const begun = await backend.beginWrite(call, path, { ...REPLACE, ...open });
  await begun.writeChunk(at, Buffer.from(text));
  await begun.finishWrite();
}

const POLICIES = ['reject', 'version'] as const;

describe.each(POLICIES)('under "%s"', (policy) => {
  test('a new name is given as it is asked for', async () => {
    const { backend, content, jobs } = await site(policy);
    await upload(backend, '/a.csv', 'new');
    expect(await content('/a.csv')).toBe('new');
    expect(jobs[0]?.delivery).toMatchObject({ path: '/a.csv', requestedPath: undefined });
  });

  test('of two uploads of one new name the first to finish has it, the second fails with EEXIST', async () => {
    const { backend, content, names } = await site(policy);
    const [first, second] = [
      await backend.beginWrite(call, '/a.csv', REPLACE),
      await backend.beginWrite(call, '/a.csv', REPLACE),
    ];
    await first.writeChunk(0, Buffer.from('first'));
    await second.writeChunk(0, Buffer.from('second'));
    await second.finishWrite();
    await expect(first.finishWrite()).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await content('/a.csv')).toBe('second');
    expect(await names()).toEqual(['a.csv']);
  });

  test('a client that will have no other file there hears EEXIST', async () => {
    const { backend, names } = await site(policy, { '/a.csv': 'older', '/a.part': 'newer' });
    const opening = backend.beginWrite(call, '/a.csv', { ...REPLACE, exclusive: true });
    await expect(opening).rejects.toMatchObject({ code: 'EEXIST' });
    const renaming = backend.rename(call, '/a.part', '/a.csv', { exclusive: true });
    await expect(renaming).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await names()).toEqual(['a.csv', 'a.part']);
  });

  test('what fails for another reason fails with that', async () => {
    const { memory } = await site(policy, { '/a.csv': 'older', '/a.part': 'newer' });
    const error = new FsError('EIO', 'not now');
    const plan = createFaultPlan();
    plan.fault({ operation: ['beginWrite', 'rename'], throws: error });
    const broken = judged(policy, withFaults(memory, plan));
    await expect(broken.beginWrite(call, '/a.csv', REPLACE)).rejects.toBe(error);
    await expect(broken.rename(call, '/a.part', '/a.csv')).rejects.toBe(error);
  });

  test('a missing file that is not to be made is ENOENT', async () => {
    const { backend } = await site(policy);
    const opening = backend.beginWrite(call, '/a.csv', { ...RESUME, create: false });
    await expect(opening).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a file under a temporary name is replaced and gone on with', async () => {
    const { backend, content, names } = await site(policy, { '/a.part': 'older' });
    await upload(backend, '/a.part', 'newer');
    await upload(backend, '/a.part', ' still', { ...RESUME, at: 5 });
    await upload(backend, '/a.part', '!', APPEND);
    expect(await content('/a.part')).toBe('newer still!');
    await upload(backend, '/b.part', 'b');
    await backend.rename(call, '/b.part', '/a.part');
    expect(await content('/a.part')).toBe('b');
    expect(await names()).toEqual(['a.part']);
  });

  test('a file that had its name replaces no other', async () => {
    const { backend, content, names } = await site(policy, { '/a': 'a', '/b': 'b' });
    await expect(backend.rename(call, '/a', '/b')).rejects.toMatchObject({ code: 'EEXIST' });
    expect([await content('/a'), await content('/b')]).toEqual(['a', 'b']);
    await backend.rename(call, '/a', '/c');
    expect(await names()).toEqual(['b', 'c']);
  });

  test('a rename to the very same name changes nothing', async () => {
    const { backend, names } = await site(policy, { '/a': 'a' });
    await backend.rename(call, '/a', '/a');
    expect(await names()).toEqual(['a']);
  });

  test.each(['/dir', '/dir.part'])('what %s may replace is for the backend to say', async (dir) => {
    const { backend, memory, names } = await site(policy, { '/file': 'kept' });
    for (const path of [dir, '/empty', '/full']) await memory.makeDir(call, path);
    await memory.writeFile(call, '/full/file', Buffer.from('kept'));
    const onto = (to: string) => backend.rename(call, dir, to);
    await expect(onto('/file')).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(onto('/full')).rejects.toMatchObject({ code: 'ENOTEMPTY' });
    await onto('/empty');
    expect(await names()).toEqual(['empty', 'file', 'full']);
  });

  test.each(['/a', '/a.part'])('%s does not become a directory', async (path) => {
    const { backend, memory, names } = await site(policy, { [path]: 'kept' });
    await memory.makeDir(call, '/dir');
    await expect(backend.rename(call, path, '/dir')).rejects.toMatchObject({ code: 'EISDIR' });
    expect(await names()).toEqual([path.slice(1), 'dir']);
  });

  test('a rename that nothing stands in the way of asks for nothing more', async () => {
    const calls: string[] = [];
    const memory = createMemoryBackend();
    const watched = new Proxy(memory, {
      get: (target, key: keyof StreamingBackend) => {
        calls.push(key);
        return target[key];
      },
      ownKeys: (target) => Reflect.ownKeys(target),
    });
    await memory.writeFile(call, '/a', Buffer.from('a'));
    const backend = judged(policy, watched);
    calls.length = 0;
    await backend.rename(call, '/a', '/b');
    expect(calls).toEqual(['rename']);
  });
});

describe('under "reject"', () => {
  test.each([
    ['replaced', REPLACE],
    ['gone on with', RESUME],
    ['appended to', APPEND],
    ['changed only if it is there', { ...RESUME, create: false }],
  ])('a file that is there cannot be %s: EEXIST at OPEN', async (_, open) => {
    const { backend, content, jobs } = await site('reject', { '/a.csv': 'older' });
    await expect(backend.beginWrite(call, '/a.csv', open)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await content('/a.csv')).toBe('older');
    expect(jobs).toEqual([]);
  });

  test('a file that is whole gets no name that another has, and stays under its own', async () => {
    const { backend, content, jobs } = await site('reject', { '/a.part': 'new', '/a': 'older' });
    await expect(backend.rename(call, '/a.part', '/a')).rejects.toMatchObject({ code: 'EEXIST' });
    expect([await content('/a.part'), await content('/a')]).toEqual(['new', 'older']);
    expect(jobs).toEqual([]);
  });
});

describe('under "version"', () => {
  const SUFFIXED = /^\/a\.\d{8}T\d{6}Z-1b9d6bcd\.csv$/;

  test('an upload of a name that is taken stands beside it, and its job tells both names', async () => {
    const { backend, content, jobs } = await site('version', { '/a.csv': 'older' });
    await upload(backend, '/a.csv', 'new');
    const [{ delivery } = {}] = jobs;
    expect(delivery?.path).toMatch(SUFFIXED);
    expect(delivery).toMatchObject({ requestedPath: '/a.csv', location: { key: delivery?.path.slice(1) } });
    expect(await content(delivery?.path ?? '')).toBe('new');
    expect(await content('/a.csv')).toBe('older');
  });

  test('each further one has a name of its own', async () => {
    const { backend, names } = await site('version');
    for (const uploadId of ['11111111', '22222222', '33333333']) {
      await (await backend.beginWrite({ ...call, uploadId }, '/a.csv', REPLACE)).finishWrite();
    }
    expect(await names()).toHaveLength(3);
  });

  test.each([
    ['from the beginning, as scp does', RESUME, 0, 'ab23456789'],
    ['from where it ended', RESUME, 10, '0123456789ab'],
    ['at the end, whatever its offset', APPEND, 0, '0123456789ab'],
    ['only if it is there', { ...RESUME, create: false }, 4, '0123ab6789'],
  ])(
    'a file that is written %s has the older bytes where none are written',
    async (_, open, at, expected) => {
      const { backend, content, jobs } = await site('version', { '/a.csv': '0123456789' });
      await upload(backend, '/a.csv', 'ab', { ...open, at });
      expect(await content(jobs[0]?.delivery.path ?? '')).toBe(expected);
      expect(await content('/a.csv')).toBe('0123456789');
    },
  );

  test('also where the store copies nothing by itself, window by window', async () => {
    const older = 'x'.repeat(600 * 1024);
    // Its uploads have no copyChunk.
    const { backend: inner, calls } = watchUploads();
    await inner.writeFile(call, '/a', Buffer.from(older));
    const upload = await judged('version', inner).beginWrite(call, '/a', APPEND);
    await upload.writeChunk(0, Buffer.from('end'));
    await upload.finishWrite();
    expect(await contentOf(inner, calls[1]?.replace('begin ', '') ?? '')).toBe(`${older}end`);
    expect(calls.filter((name) => name.startsWith('write'))).toHaveLength(4);
  });

  test('an upload whose older bytes cannot be had is aborted', async () => {
    const { backend: inner, calls } = watchUploads();
    await inner.writeFile(call, '/a', Buffer.from('older'));
    const error = new Error('not now');
    const plan = createFaultPlan();
    plan.fault({ operation: 'readFileRange', throws: error });
    await expect(judged('version', withFaults(inner, plan)).beginWrite(call, '/a', RESUME)).rejects.toBe(
      error,
    );
    expect(calls.at(-1)).toMatch(/^abort \/a\./);
  });

  test('a directory has no version: EISDIR', async () => {
    const { backend, memory, names } = await site('version');
    await memory.makeDir(call, '/dir');
    await expect(backend.beginWrite(call, '/dir', REPLACE)).rejects.toMatchObject({ code: 'EISDIR' });
    expect(await names()).toEqual(['dir']);
  });

  test('a file that is whole is delivered beside the one that has the name', async () => {
    const { backend, content, names, jobs } = await site('version', { '/a.csv': 'older' });
    await upload(backend, '/a.csv.part', 'new');
    expect(await backend.rename(call, '/a.csv.part', '/a.csv')).toMatchObject({ size: 3 });
    const [{ delivery } = {}] = jobs;
    expect(delivery).toMatchObject({ id: call.uploadId, requestedPath: '/a.csv' });
    expect(delivery?.path).toMatch(/^\/a\.\d{8}T\d{6}Z-[0-9a-f]{8}\.csv$/);
    expect(await content(delivery?.path ?? '')).toBe('new');
    expect(await names()).toEqual([delivery?.path.slice(1), 'a.csv']);
    expect(await content('/a.csv')).toBe('older');
  });
});
