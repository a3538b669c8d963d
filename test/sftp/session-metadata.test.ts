import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../src/sftp/limits.ts';
import { STATUS_OF } from '../../src/sftp/status.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { contentOf, SftpDriver } from '../support/sftp-driver.ts';
import {
  close,
  extended,
  Flag,
  fsetstat,
  fstat,
  hex,
  lstat,
  mkdir,
  opendir,
  packet,
  readdir,
  readlink,
  realpath,
  remove,
  rename,
  rmdir,
  setstat,
  sizeAttribute,
  stat,
  str,
  symlink,
  u32,
  write,
} from '../support/sftp-packets.ts';

const context = createTestContext();

async function withTree(): Promise<SftpDriver> {
  const driver = await SftpDriver.started({ principal: { username: 'acme' } });
  await driver.backend.writeFile(context, '/file', Buffer.from('12345'));
  await driver.backend.makeDir(context, '/dir');
  return driver;
}

const TIMES = Buffer.concat([u32(8), u32(1), u32(2)]);
const OWNER = Buffer.concat([u32(2), u32(0), u32(0)]);
const PERMISSIONS = Buffer.concat([u32(4), u32(0o600)]);

describe('attributes', () => {
  test('STAT and LSTAT tell type, size and permissions', async () => {
    const driver = await withTree();
    for (const request of [stat, lstat]) {
      const file = await driver.expect('attrs', (id) => request(id, '/file'));
      expect(file.attributes).toMatchObject({ size: 5, permissions: 0o100644 });
      const directory = await driver.expect('attrs', (id) => request(id, '/dir'));
      expect(directory.attributes).toMatchObject({ permissions: 0o040755 });
      expect(await driver.code((id) => request(id, '/none'))).toBe(2);
      expect(await driver.code((id) => request(id, '/file/below'))).toBe(2);
    }
  });

  test('FSTAT tells them of every kind of handle, of an upload as it stands', async () => {
    const driver = await withTree();
    const file = await driver.open('/file', Flag.READ);
    const { handle: directory } = await driver.expect('handle', (id) => opendir(id, '/dir'));
    const upload = await driver.open('/new');
    await driver.code((id) => write(id, upload, 10, 'xyz'));
    const sizeOf = async (handle: string) =>
      (await driver.expect('attrs', (id) => fstat(id, handle))).attributes;
    expect(await sizeOf(file)).toMatchObject({ size: 5, permissions: 0o100644 });
    expect(await sizeOf(directory)).toMatchObject({ permissions: 0o040755 });
    expect(await sizeOf(upload)).toMatchObject({ size: 13, permissions: 0o100644 });
  });

  test('a file that a session is writing is there for that session, with its size so far, and for no other', async () => {
    const driver = await withTree();
    const other = await SftpDriver.started({ backend: driver.backend });
    const handle = await driver.open('/file');
    await driver.code((id) => write(id, handle, 0, 'new'));
    for (const request of [stat, lstat]) {
      const own = await driver.expect('attrs', (id) => request(id, '/dir/../file'));
      expect(own.attributes).toMatchObject({ size: 3, permissions: 0o100644 });
      const others = await other.expect('attrs', (id) => request(id, '/file'));
      expect(others.attributes).toMatchObject({ size: 5 });
    }
    expect(await driver.code((id) => setstat(id, '/file', sizeAttribute(2)))).toBe(0);
    expect((await driver.expect('attrs', (id) => fstat(id, handle))).attributes).toMatchObject({ size: 2 });
    const fresh = await driver.open('/fresh');
    expect(await driver.code((id) => setstat(id, '/fresh', TIMES))).toBe(0);
    expect(await other.code((id) => setstat(id, '/fresh', TIMES))).toBe(2);
    await driver.session.end();
    expect(fresh).not.toBe(handle);
    expect((await other.expect('attrs', (id) => stat(id, '/file'))).attributes).toMatchObject({ size: 5 });
  });

  test('SETSTAT of times, owner and permissions is accepted for what is there', async () => {
    const driver = await withTree();
    for (const attributes of [TIMES, OWNER, PERMISSIONS, u32(0)]) {
      expect(await driver.code((id) => setstat(id, '/file', attributes))).toBe(0);
      expect(await driver.code((id) => setstat(id, '/dir', attributes))).toBe(0);
      expect(await driver.code((id) => setstat(id, '/none', attributes))).toBe(2);
      expect(await driver.code((id) => extended(id, 'lsetstat@openssh.com', str('/file'), attributes))).toBe(
        0,
      );
    }
  });

  test.each([
    [4, '1234'],
    [5, '12345'],
    [7, '12345\0\0'],
    [0, ''],
  ])('SETSTAT of the size %d cuts a stored file or fills it up', async (size, content) => {
    const driver = await withTree();
    expect(await driver.code((id) => setstat(id, '/file', sizeAttribute(size)))).toBe(0);
    expect(await contentOf(driver.backend, '/file')).toBe(content);
  });

  test('SETSTAT of a size is refused for a directory and for what is not there', async () => {
    const driver = await withTree();
    expect(await driver.code((id) => setstat(id, '/dir', sizeAttribute(1)))).toBe(4);
    expect(await driver.code((id) => setstat(id, '/none', sizeAttribute(1)))).toBe(2);
  });

  test('SETSTAT of a file that the session is writing gives the upload its attributes', async () => {
    const driver = await withTree();
    const handle = await driver.open('/file');
    expect(await driver.code((id) => setstat(id, '/file', TIMES))).toBe(0);
    expect(await driver.code((id) => close(id, handle))).toBe(0);
    const { attributes } = await driver.expect('attrs', (id) => stat(id, '/file'));
    expect(attributes).toMatchObject({ mtime: TIMES.readUInt32BE(8) });
  });

  test.each([
    [3, 'abc'],
    [6, 'abcdef'],
    [8, 'abcdef\0\0'],
    [0, ''],
  ])('FSETSTAT of the size %d cuts an upload or fills it up', async (size, content) => {
    const driver = await SftpDriver.started();
    const handle = await driver.open('/a');
    await driver.code((id) => write(id, handle, 0, 'abcdef'));
    expect(await driver.code((id) => fsetstat(id, handle, sizeAttribute(size)))).toBe(0);
    expect((await driver.expect('attrs', (id) => fstat(id, handle))).attributes).toMatchObject({ size });
    expect(await driver.code((id) => close(id, handle))).toBe(0);
    expect(await contentOf(driver.backend, '/a')).toBe(content);
  });

  test('FSETSTAT of anything else is accepted on every handle', async () => {
    const driver = await withTree();
    const { handle: directory } = await driver.expect('handle', (id) => opendir(id, '/dir'));
    for (const handle of [directory, await driver.open('/file', Flag.READ), await driver.open('/new')]) {
      for (const attributes of [TIMES, OWNER, PERMISSIONS, u32(0)]) {
        expect(await driver.code((id) => fsetstat(id, handle, attributes))).toBe(0);
      }
    }
  });
});

describe('names', () => {
  test('MKDIR, RMDIR, REMOVE and RENAME do what they say', async () => {
    const driver = await withTree();
    const has = async (path: string) => (await driver.ask((id) => stat(id, path))).kind === 'attrs';
    expect(await driver.code((id) => mkdir(id, '/new'))).toBe(0);
    expect(await has('/new')).toBe(true);
    expect(await driver.code((id) => rmdir(id, '/new'))).toBe(0);
    expect(await has('/new')).toBe(false);
    expect(await driver.code((id) => rename(id, '/file', '/dir/file'))).toBe(0);
    expect([await has('/file'), await has('/dir/file')]).toEqual([false, true]);
    expect(await driver.code((id) => rmdir(id, '/dir'))).toBe(4);
    expect(await driver.code((id) => remove(id, '/dir/file'))).toBe(0);
    expect(await driver.code((id) => rmdir(id, '/dir'))).toBe(0);
    expect([await has('/dir/file'), await has('/dir')]).toEqual([false, false]);
  });

  test.each([
    ['RENAME', (id: number) => rename(id, '/new', '/file')],
    ['posix-rename', (id: number) => extended(id, 'posix-rename@openssh.com', str('/new'), str('/file'))],
  ])('%s replaces an existing file', async (_, request) => {
    const driver = await withTree();
    await driver.backend.writeFile(context, '/new', Buffer.from('new'));
    expect(await driver.code(request)).toBe(0);
    expect(await contentOf(driver.backend, '/file')).toBe('new');
    expect(await contentOf(driver.backend, '/new')).toBeUndefined();
    expect(await driver.code(request)).toBe(2);
  });

  test.each([
    ['', '/'],
    ['.', '/'],
    ['..', '/'],
    ['/a/../b/./c//', '/b/c'],
    ['../../etc', '/etc'],
  ])('REALPATH of "%s" is %s, whether it is there or not (section 6.11)', async (path, real) => {
    const driver = await withTree();
    const reply = await driver.expect('name', (id) => realpath(id, path));
    expect(reply.entries).toEqual([{ filename: real, longname: real, attributes: undefined }]);
  });

  test('READLINK of what exists is FAILURE, of anything else NO_SUCH_FILE; SYMLINK is not supported', async () => {
    const driver = await withTree();
    const reply = await driver.ask((id) => readlink(id, '/file'));
    expect(reply).toMatchObject({ code: 4, message: STATUS_OF.EINVAL[1] });
    expect(await driver.code((id) => readlink(id, '/none'))).toBe(2);
    expect(await driver.code((id) => symlink(id, '/link', '/file'))).toBe(8);
  });
});

/** All entries of a directory, batch by batch, the EOF at the end included as an empty one. */
async function list(driver: SftpDriver, path: string): Promise<string[][]> {
  const { handle } = await driver.expect('handle', (id) => opendir(id, path));
  const batches: string[][] = [];
  for (;;) {
    const reply = await driver.ask((id) => readdir(id, handle));
    if (reply.kind !== 'name') {
      expect(reply).toMatchObject({ kind: 'status', code: 1 });
      expect(await driver.code((id) => readdir(id, handle))).toBe(1);
      expect(await driver.code((id) => close(id, handle))).toBe(0);
      return batches;
    }
    batches.push(reply.entries.map(({ filename }) => filename));
  }
}

describe('READDIR (section 6.7)', () => {
  test('of an empty directory has . and .. and then EOF, as often as it is asked', async () => {
    expect(await list(await withTree(), '/dir')).toEqual([['.', '..']]);
  });

  test('gives every name once, in batches of at most 46, none of them empty', async () => {
    const driver = await SftpDriver.started();
    const names = Array.from({ length: 200 }, (_, index) => `f${index}`);
    for (const name of names) await driver.backend.writeFile(context, `/${name}`, Buffer.alloc(0));
    const batches = await list(driver, '/');
    expect(batches.flat()).toEqual(['.', '..', ...names]);
    for (const batch of batches) {
      expect(batch.length).toBeGreaterThan(0);
      expect(batch.length).toBeLessThanOrEqual(46);
    }
    expect(batches.length).toBeLessThan(10);
  });

  test('tells attributes and a line of `ls -l` with the name of the user', async () => {
    const driver = await withTree();
    const { handle } = await driver.expect('handle', (id) => opendir(id, '/'));
    const { entries } = await driver.expect('name', (id) => readdir(id, handle));
    expect(entries.map(({ filename }) => filename)).toEqual(['.', '..', 'file', 'dir']);
    expect(entries[2]).toMatchObject({ attributes: { size: 5, permissions: 0o100644 } });
    expect(entries[2]?.longname).toMatch(/^-rw-r--r-- +1 acme +acme +5 .* file$/);
    expect(entries[3]?.longname).toMatch(/^drwxr-xr-x +2 acme +acme +0 .* dir$/);
    expect(entries[0]).toMatchObject({ attributes: { permissions: 0o040755 } });
  });

  test('of a missing directory fails when it is opened', async () => {
    const driver = await withTree();
    expect(await driver.code((id) => opendir(id, '/none'))).toBe(2);
  });

  test('a batch of the longest names is no longer than the 34,000 bytes that every client takes', async () => {
    const driver = await SftpDriver.started({ principal: { username: 'u'.repeat(64) } });
    for (let index = 0; index < 64; index++) {
      await driver.backend.writeFile(context, `/${String(index).padStart(255, 'x')}`, Buffer.alloc(0));
    }
    const { handle } = await driver.expect('handle', (id) => opendir(id, '/'));
    await driver.expect('name', (id) => readdir(id, handle));
    driver.sends.length = 0;
    await driver.expect('name', (id) => readdir(id, handle));
    expect(Math.max(...driver.sends)).toBeLessThanOrEqual(34_000);
  });

  test('two pipelined READDIRs are answered in order', async () => {
    const driver = await withTree();
    const { handle } = await driver.expect('handle', (id) => opendir(id, '/'));
    await driver.send(readdir(1, handle), readdir(2, handle));
    await driver.reply(2);
    expect(driver.answers.slice(-2)).toEqual(['1: name', '2: 1']);
  });
});

describe('extensions (section 8)', () => {
  test('limits tells what is enforced', async () => {
    const driver = await SftpDriver.started();
    const { body } = await driver.expect('extended', (id) => extended(id, 'limits@openssh.com'));
    expect(body).toEqual(hex('0000000000040000 000000000003fc00 000000000003fc00 0000000000000040'));
    expect(LIMITS.maxWriteBytes + 1024).toBeLessThanOrEqual(LIMITS.maxPacketBytes);
  });

  test('statvfs answers for what exists with room for everything', async () => {
    const driver = await withTree();
    const { body } = await driver.expect('extended', (id) =>
      extended(id, 'statvfs@openssh.com', str('/dir')),
    );
    const fields = Array.from({ length: 11 }, (_, index) => Number(body.readBigUInt64BE(8 * index)));
    const [bsize = 0, frsize, blocks = 0, bfree, bavail, files, ffree, favail, , flag, namemax] = fields;
    expect(body.length).toBe(88);
    expect([frsize, bfree, bavail, ffree, favail]).toEqual([bsize, blocks, blocks, files, files]);
    expect(bsize * blocks).toBe(2 ** 53);
    expect([flag, namemax]).toEqual([0, 255]);
    expect(await driver.code((id) => extended(id, 'statvfs@openssh.com', str('/none')))).toBe(2);
  });

  test('fsync of an upload is OK, and the file is still not there', async () => {
    const driver = await SftpDriver.started();
    const handle = await driver.open('/a');
    await driver.code((id) => write(id, handle, 0, 'x'));
    expect(await driver.code((id) => extended(id, 'fsync@openssh.com', str(handle)))).toBe(0);
    expect(await contentOf(driver.backend, '/a')).toBeUndefined();
    await driver.code((id) => close(id, handle));
    const reading = await driver.open('/a', Flag.READ);
    expect(await driver.code((id) => extended(id, 'fsync@openssh.com', str(reading)))).toBe(0);
  });

  test.each([
    ['~', '/'],
    ['~/', '/'],
    ['~/a/../b', '/b'],
    ['~acme', '/'],
    ['~acme/in', '/in'],
    ['/x/~', '/x/~'],
    ['x', '/x'],
    ['', '/'],
    ['~/../..', '/'],
  ])('expand-path of "%s" is %s', async (path, expanded) => {
    const driver = await withTree();
    const reply = await driver.expect('name', (id) => extended(id, 'expand-path@openssh.com', str(path)));
    expect(reply.entries.map(({ filename }) => filename)).toEqual([expanded]);
  });

  test('home-directory is one’s own, and nobody else’s', async () => {
    const driver = await withTree();
    for (const username of ['', 'acme']) {
      const reply = await driver.expect('name', (id) => extended(id, 'home-directory', str(username)));
      expect(reply.entries.map(({ filename }) => filename)).toEqual(['/']);
    }
    expect(await driver.code((id) => extended(id, 'home-directory', str('root')))).toBe(2);
    expect(await driver.code((id) => extended(id, 'expand-path@openssh.com', str('~root')))).toBe(2);
  });

  test('whatever else a client tries is OP_UNSUPPORTED', async () => {
    const driver = await withTree();
    for (const name of ['hardlink@openssh.com', 'check-file', 'space-available', '']) {
      expect(await driver.code((id) => extended(id, name, str('/a'), str('/b')))).toBe(8);
    }
    for (const type of [0, 1, 21, 22, 100, 101, 199, 201, 255]) {
      expect(await driver.code((id) => packet(type, u32(id)))).toBe(8);
    }
    expect(driver.faults).toEqual([]);
  });
});

describe('a home directory', () => {
  const inHome = async () => {
    const driver = await SftpDriver.started({ principal: { username: 'acme', home: '/dir' } });
    await driver.backend.makeDir(context, '/dir');
    await driver.backend.writeFile(context, '/dir/file', Buffer.from('12345'));
    return driver;
  };
  const nameOf = async (driver: SftpDriver, request: (id: number) => Buffer) =>
    (await driver.expect('name', request)).entries.map(({ filename }) => filename);

  test.each([
    ['.', '/dir'],
    ['', '/dir'],
    ['sub', '/dir/sub'],
    ['..', '/'],
    ['/', '/'],
    ['/other', '/other'],
  ])('REALPATH of "%s" is %s', async (path, absolute) => {
    expect(await nameOf(await inHome(), (id) => realpath(id, path))).toEqual([absolute]);
  });

  test.each([
    ['~', '/dir'],
    ['~/sub', '/dir/sub'],
    ['~acme/..', '/'],
    ['sub', '/dir/sub'],
  ])('expand-path of "%s" is %s', async (path, absolute) => {
    const driver = await inHome();
    expect(await nameOf(driver, (id) => extended(id, 'expand-path@openssh.com', str(path)))).toEqual([
      absolute,
    ]);
    expect(await nameOf(driver, (id) => extended(id, 'home-directory', str('')))).toEqual(['/dir']);
  });

  test('is where the relative paths of every request begin', async () => {
    const driver = await inHome();
    const codes = [
      await driver.code((id) => mkdir(id, 'new')),
      await driver.code((id) => rmdir(id, 'new')),
      await driver.code((id) => setstat(id, 'file', TIMES)),
      await driver.code((id) => rename(id, 'file', 'renamed')),
      await driver.code((id) => rename(id, 'renamed', '../file')),
      await driver.code((id) => rename(id, '/file', 'file')),
    ];
    expect(codes).toEqual([0, 0, 0, 0, 0, 0]);
    await driver.expect('attrs', (id) => stat(id, 'file'));
    await driver.expect('extended', (id) => extended(id, 'statvfs@openssh.com', str('file')));
    await driver.expect('handle', (id) => opendir(id, ''));
    const upload = await driver.open('upload');
    await driver.expect('attrs', (id) => stat(id, '/dir/upload'));
    expect(await driver.code((id) => close(id, upload))).toBe(0);
    expect(await contentOf(driver.backend, '/dir/upload')).toBe('');
    expect(await driver.code((id) => readlink(id, 'file'))).toBe(4);
    expect(await driver.code((id) => remove(id, 'upload'))).toBe(0);
    expect(driver.observed.filter((line) => !line.includes(' /'))).toEqual([]);
  });

  test('need not be there: a session begins in it all the same', async () => {
    const driver = await SftpDriver.started({ principal: { home: '/none' } });
    expect(await nameOf(driver, (id) => realpath(id, '.'))).toEqual(['/none']);
    expect(await driver.code((id) => opendir(id, '.'))).toBe(2);
    await driver.expect('handle', (id) => opendir(id, '..'));
  });
});
