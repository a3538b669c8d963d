import { describe, expect, test } from 'vitest';
import type { StreamingBackend, WriteOptions } from '../../src/contract/backend.ts';
import { LIMITS } from '../../src/sftp/limits.ts';
import { STATUS_OF } from '../../src/sftp/status.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { contentOf, SftpDriver, watchUploads } from '../support/sftp-driver.ts';
import {
  close,
  extended,
  Flag,
  fsetstat,
  fstat,
  open,
  opendir,
  read,
  readdir,
  sizeAttribute,
  str,
  UPLOAD,
  write,
} from '../support/sftp-packets.ts';

const { READ, WRITE, APPEND, CREAT, TRUNC, EXCL } = Flag;

async function withFile(content = 'old content'): Promise<SftpDriver> {
  const driver = await SftpDriver.started();
  await driver.backend.writeFile(createTestContext(), '/file', Buffer.from(content));
  await driver.backend.makeDir(createTestContext(), '/dir');
  return driver;
}

describe('handles', () => {
  test('as many may be open as limits@openssh.com says, uploads, files and directories together', async () => {
    const { backend, calls } = watchUploads();
    const driver = await SftpDriver.started({ backend });
    for (let index = 0; index < LIMITS.maxOpenHandles - 2; index++) await driver.open(`/${index}`);
    const { handle } = await driver.expect('handle', (id) => opendir(id, '/'));
    await driver.backend.writeFile(createTestContext(), '/file', Buffer.from('x'));
    const file = await driver.open('/file', READ);
    const begun = calls.length;
    const sentence = { code: 4, message: STATUS_OF.EMFILE[1] };
    expect(await driver.ask((id) => open(id, '/more', UPLOAD))).toMatchObject(sentence);
    expect(await driver.ask((id) => open(id, '/file', READ))).toMatchObject(sentence);
    expect(await driver.ask((id) => opendir(id, '/'))).toMatchObject(sentence);
    expect(calls).toHaveLength(begun);
    await driver.code((id) => close(id, handle));
    await driver.open('/more');
    expect(await driver.ask((id) => opendir(id, '/'))).toMatchObject(sentence);
    await driver.code((id) => close(id, file));
    await driver.expect('handle', (id) => opendir(id, '/'));
  });

  test('a failed OPEN costs none', async () => {
    const driver = await SftpDriver.started();
    for (let index = 0; index < LIMITS.maxOpenHandles + 5; index++) {
      expect(await driver.code((id) => open(id, '/none', READ))).toBe(2);
      expect(await driver.code((id) => opendir(id, '/none'))).toBe(2);
    }
    await driver.open('/a');
  });

  test('that are closed are never given out again', async () => {
    const driver = await SftpDriver.started();
    const handles = new Set<string>();
    for (let index = 0; index < 200; index++) {
      const handle = await driver.open('/a');
      expect(handles).not.toContain(handle);
      handles.add(handle);
      await driver.code((id) => close(id, handle));
    }
  });

  test('stale, unknown and empty ones are FAILURE for every request, and change nothing', async () => {
    const driver = await SftpDriver.started();
    const stale = await driver.open('/a');
    await driver.code((id) => close(id, stale));
    const live = await driver.open('/b');
    for (const handle of [stale, '999', '', `${live} `, `${live}\0`, '__proto__', 'x'.repeat(256)]) {
      const requests = [
        (id: number) => close(id, handle),
        (id: number) => read(id, handle, 0, 1),
        (id: number) => write(id, handle, 0, 'x'),
        (id: number) => fstat(id, handle),
        (id: number) => fsetstat(id, handle),
        (id: number) => readdir(id, handle),
        (id: number) => extended(id, 'fsync@openssh.com', str(handle)),
      ];
      for (const request of requests) {
        expect(await driver.ask(request)).toMatchObject({ code: 4, message: STATUS_OF.EBADF[1] });
      }
    }
    expect(driver.session.uploads).toBe(1);
    expect(await driver.code((id) => close(id, live))).toBe(0);
  });

  test('of one session mean nothing in another', async () => {
    const first = await SftpDriver.started();
    const second = await SftpDriver.started({ backend: first.backend });
    const handle = await first.open('/a');
    expect(await second.code((id) => close(id, handle))).toBe(4);
    expect(first.session.uploads).toBe(1);
  });
});

describe('a request on a handle of another kind', () => {
  test('READ of a file that is being written needs a handle opened for both', async () => {
    const driver = await withFile();
    const both = await driver.open('/file', READ | WRITE);
    const writing = await driver.open('/file', WRITE);
    expect(await driver.ask((id) => read(id, both, 0, 1))).toMatchObject({ kind: 'data' });
    expect(await driver.code((id) => read(id, writing, 0, 1))).toBe(4);
    expect(await driver.code((id) => write(id, both, 0, 'x'))).toBe(0);
  });

  test('WRITE and FSETSTAT of a size on a file opened for reading are FAILURE', async () => {
    const driver = await withFile();
    const handle = await driver.open('/file', READ);
    expect(await driver.code((id) => write(id, handle, 0, 'x'))).toBe(4);
    expect(await driver.code((id) => fsetstat(id, handle, sizeAttribute(0)))).toBe(4);
    expect(await driver.code((id) => readdir(id, handle))).toBe(4);
    expect(await driver.code((id) => close(id, handle))).toBe(0);
    expect(await contentOf(driver.backend, '/file')).toBe('old content');
  });

  test('READ, WRITE and fsync of a directory are FAILURE', async () => {
    const driver = await withFile();
    const { handle } = await driver.expect('handle', (id) => opendir(id, '/dir'));
    expect(await driver.code((id) => read(id, handle, 0, 1))).toBe(4);
    expect(await driver.code((id) => write(id, handle, 0, 'x'))).toBe(4);
    expect(await driver.code((id) => extended(id, 'fsync@openssh.com', str(handle)))).toBe(4);
    expect(await driver.code((id) => close(id, handle))).toBe(0);
  });

  test('OPENDIR of a file is NO_SUCH_FILE', async () => {
    const driver = await withFile();
    const reply = await driver.ask((id) => opendir(id, '/file'));
    expect(reply).toMatchObject({ code: 2, message: STATUS_OF.ENOTDIR[1] });
  });
});

interface Opening {
  readonly name: string;
  readonly flags: number;
  /** What the upload is opened with; undefined when none is. */
  readonly options: WriteOptions | undefined;
  /** What a file of "old content" holds after "NEW" was written at 0; a number is the status of OPEN. */
  readonly existing: string | number;
  /** The same for a name that is not there. */
  readonly missing: string | number;
}

const option = (...set: readonly (keyof WriteOptions)[]): WriteOptions => ({
  create: set.includes('create'),
  exclusive: set.includes('exclusive'),
  truncate: set.includes('truncate'),
  append: set.includes('append'),
});

const OPENINGS: readonly Opening[] = [
  { name: 'nothing', flags: 0, options: undefined, existing: 4, missing: 4 },
  { name: 'CREAT', flags: CREAT, options: undefined, existing: 4, missing: 4 },
  { name: 'READ|CREAT', flags: READ | CREAT, options: undefined, existing: 4, missing: 4 },
  { name: 'READ|TRUNC', flags: READ | TRUNC, options: undefined, existing: 4, missing: 4 },
  { name: 'READ|APPEND', flags: READ | APPEND, options: undefined, existing: 4, missing: 4 },
  { name: 'WRITE', flags: WRITE, options: option(), existing: 'NEW content', missing: 2 },
  { name: 'READ|WRITE', flags: READ | WRITE, options: option(), existing: 'NEW content', missing: 2 },
  { name: 'WRITE|TRUNC', flags: WRITE | TRUNC, options: option('truncate'), existing: 'NEW', missing: 2 },
  {
    name: 'WRITE|CREAT',
    flags: WRITE | CREAT,
    options: option('create'),
    existing: 'NEW content',
    missing: 'NEW',
  },
  {
    name: 'WRITE|CREAT|TRUNC',
    flags: UPLOAD,
    options: option('create', 'truncate'),
    existing: 'NEW',
    missing: 'NEW',
  },
  {
    name: 'WRITE|CREAT|EXCL',
    flags: WRITE | CREAT | EXCL,
    options: option('create', 'exclusive'),
    existing: 4,
    missing: 'NEW',
  },
  {
    name: 'WRITE|CREAT|TRUNC|EXCL',
    flags: UPLOAD | EXCL,
    options: option('create', 'truncate', 'exclusive'),
    existing: 4,
    missing: 'NEW',
  },
  {
    name: 'WRITE|EXCL, where EXCL says nothing without CREAT',
    flags: WRITE | EXCL,
    options: option(),
    existing: 'NEW content',
    missing: 2,
  },
  {
    name: 'WRITE|APPEND',
    flags: WRITE | APPEND,
    options: option('append'),
    existing: 'old contentNEW',
    missing: 2,
  },
  {
    name: 'WRITE|CREAT|APPEND',
    flags: WRITE | CREAT | APPEND,
    options: option('create', 'append'),
    existing: 'old contentNEW',
    missing: 'NEW',
  },
  {
    name: 'all of them',
    flags: 0x3f,
    options: option('create', 'exclusive', 'truncate', 'append'),
    existing: 4,
    missing: 'NEW',
  },
];

/** What stands at `path` after an upload of "NEW" opened with `flags`, or the status that refused it. */
async function uploadNew(
  driver: SftpDriver,
  path: string,
  flags: number,
): Promise<string | number | undefined> {
  const opened = await driver.ask((id) => open(id, path, flags));
  if (opened.kind === 'status') return opened.code;
  if (opened.kind !== 'handle') throw new Error(opened.kind);
  expect(await driver.code((id) => write(id, opened.handle, 0, 'NEW'))).toBe(0);
  expect(await driver.code((id) => close(id, opened.handle))).toBe(0);
  return await contentOf(driver.backend, path);
}

describe('OPEN (section 6.3)', () => {
  test.each(OPENINGS)('with $name', async ({ flags, options, existing, missing }) => {
    const driver = await withFile();
    const asked: WriteOptions[] = [];
    const begin = driver.backend.beginWrite;
    const backend: StreamingBackend = {
      ...driver.backend,
      beginWrite: (context, path, given) => {
        asked.push(given);
        return begin(context, path, given);
      },
    };
    const watched = await SftpDriver.started({ backend });
    expect(await uploadNew(watched, '/file', flags)).toBe(existing);
    expect(await uploadNew(watched, '/missing', flags)).toBe(missing);
    const given = { ...options, read: (flags & READ) !== 0, attributes: {} };
    expect(asked).toEqual(options === undefined ? [] : [given, given]);
    if (typeof existing === 'number') expect(await contentOf(driver.backend, '/file')).toBe('old content');
  });

  test('for reading needs a file that is there', async () => {
    const driver = await withFile();
    expect(await driver.code((id) => open(id, '/missing', READ))).toBe(2);
    expect(await driver.code((id) => open(id, '/dir', READ))).toBe(4);
    expect(await driver.code((id) => open(id, '/file/x', READ))).toBe(2);
    await driver.open('/file', READ);
  });

  test('of a directory for writing is refused', async () => {
    const driver = await withFile();
    expect(await driver.code((id) => open(id, '/dir', UPLOAD))).toBe(4);
    expect(await driver.code((id) => open(id, '/', UPLOAD))).toBe(4);
  });

  test('takes every spelling of a path to the same file', async () => {
    const driver = await withFile();
    for (const path of ['file', './file', '/dir/../file', '//file', '../../file']) {
      const handle = await driver.open(path, READ);
      expect((await driver.expect('data', (id) => read(id, handle, 0, 3))).bytes.toString()).toBe('old');
    }
  });

  test('every upload has an id of its own', async () => {
    const ids: (string | undefined)[] = [];
    const { backend } = watchUploads();
    const driver = await SftpDriver.started({
      backend: {
        ...backend,
        beginWrite: (context, path, options) => {
          ids.push(context.uploadId);
          return backend.beginWrite(context, path, options);
        },
      },
    });
    await driver.open('/a');
    await driver.open('/a');
    expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(ids).size).toBe(2);
  });

  test('a file that changes while it is read is not read as a mixture', async () => {
    const driver = await withFile('x'.repeat(500_000));
    const handle = await driver.open('/file', READ);
    await driver.expect('data', (id) => read(id, handle, 0, 10));
    await driver.backend.writeFile(createTestContext(), '/file', Buffer.alloc(500_000));
    const late = await driver.ask((id) => read(id, handle, 499_000, 10));
    expect(late).toMatchObject({ kind: 'status', code: 4, message: STATUS_OF.ESTALE[1] });
  });
});
