import { describe, expect, test } from 'vitest';
import { createTestContext } from '../../src/testing/index.ts';
import {
  contentOf,
  type Deferred,
  deferred,
  SftpDriver,
  turn,
  watchUploads,
} from '../support/sftp-driver.ts';
import {
  close,
  Flag,
  fstat,
  hex,
  init,
  mkdir,
  open,
  opendir,
  read,
  readdir,
  remove,
  rename,
  stat,
  UPLOAD,
  write,
} from '../support/sftp-packets.ts';

describe('the start of a session', () => {
  test('INIT is answered by VERSION 3 and the extension pairs', async () => {
    const driver = new SftpDriver();
    await driver.send(init(3));
    expect(driver.replies).toEqual([
      {
        kind: 'version',
        version: 3,
        extensions: [
          ['posix-rename@openssh.com', '1'],
          ['statvfs@openssh.com', '2'],
          ['fsync@openssh.com', '1'],
          ['lsetstat@openssh.com', '1'],
          ['limits@openssh.com', '1'],
          ['expand-path@openssh.com', '1'],
          ['home-directory', '1'],
          ['copy-data', '1'],
        ],
      },
    ]);
  });

  test('a client that speaks a later version settles for 3', async () => {
    const driver = new SftpDriver();
    await driver.send(init(6));
    expect(driver.replies).toMatchObject([{ kind: 'version', version: 3 }]);
  });

  test('INIT with extension pairs of the client is understood', async () => {
    const driver = new SftpDriver();
    await driver.send(hex('0000000f 01 00000003 00000001 61 00000001 31'));
    expect(driver.answers).toEqual(['version']);
  });

  test('INIT may come a byte at a time', async () => {
    const driver = new SftpDriver();
    for (const byte of init()) {
      expect(driver.replies).toEqual([]);
      await driver.send(Buffer.of(byte));
    }
    expect(driver.answers).toEqual(['version']);
  });

  test('requests may follow INIT in the same chunk', async () => {
    const driver = new SftpDriver();
    await driver.send(init(), stat(1, '/'), stat(2, '/none'));
    expect(driver.answers).toEqual(['version', '1: attrs', '2: 2']);
  });
});

describe('an upload and a download', () => {
  test('what was uploaded is stored at CLOSE, not before, and comes back', async () => {
    const driver = await SftpDriver.started();
    const handle = await driver.open('/a.txt');
    expect(await driver.code((id) => write(id, handle, 0, 'hello '))).toBe(0);
    expect(await driver.code((id) => write(id, handle, 6, 'world'))).toBe(0);
    expect(await contentOf(driver.backend, '/a.txt')).toBeUndefined();
    expect(await driver.expect('attrs', (id) => fstat(id, handle))).toMatchObject({
      attributes: { size: 11 },
    });
    expect(await driver.code((id) => close(id, handle))).toBe(0);
    expect(await contentOf(driver.backend, '/a.txt')).toBe('hello world');

    const reading = await driver.open('/a.txt', Flag.READ);
    const first = await driver.expect('data', (id) => read(id, reading, 0, 8));
    const second = await driver.expect('data', (id) => read(id, reading, 8, 8));
    expect(`${first.bytes}|${second.bytes}`).toBe('hello wo|rld');
    expect(await driver.code((id) => read(id, reading, 11, 8))).toBe(1);
    expect(await driver.code((id) => close(id, reading))).toBe(0);
  });

  test('a whole upload in one chunk, and cut at every byte', async () => {
    const stream = Buffer.concat([open(1, '/a', UPLOAD), write(2, '0', 0, 'abc'), close(3, '0')]);
    for (let at = 0; at < stream.length; at++) {
      const driver = await SftpDriver.started();
      await driver.send(stream.subarray(0, at));
      await driver.send(stream.subarray(at));
      await driver.reply(3);
      expect(driver.answers).toEqual(['1: handle', '2: 0', '3: 0']);
      expect(await contentOf(driver.backend, '/a')).toBe('abc');
    }
  });

  test('every slice of a WRITE goes to its own offset', async () => {
    const { backend, calls } = watchUploads();
    const driver = await SftpDriver.started({ backend });
    const handle = await driver.open('/a');
    const bytes = Buffer.concat([write(7, handle, 100, 'x'.repeat(1000)), close(8, handle)]);
    await driver.send(bytes.subarray(0, 400));
    await driver.send(bytes.subarray(400, 900));
    await driver.send(bytes.subarray(900));
    await driver.reply(8);
    const header = 4 + 1 + 4 + (4 + handle.length) + 8 + 4;
    expect(calls.filter((call) => call.startsWith('write'))).toEqual([
      `write 100+${400 - header}`,
      `write ${500 - header}+500`,
      `write ${1000 - header}+${100 + header}`,
    ]);
    expect(await contentOf(backend, '/a')).toBe('\0'.repeat(100) + 'x'.repeat(1000));
  });

  test('a WRITE without bytes is OK and reaches no upload', async () => {
    const { backend, calls } = watchUploads();
    const driver = await SftpDriver.started({ backend });
    const handle = await driver.open('/a');
    expect(await driver.code((id) => write(id, handle, 2 ** 40, ''))).toBe(0);
    expect(calls).toEqual(['begin /a']);
  });

  test('a READ that asks for more than is sent at once gets the largest reply there is', async () => {
    const driver = await SftpDriver.started();
    await driver.backend.writeFile(createTestContext(), '/big', Buffer.alloc(600_000, 7));
    const handle = await driver.open('/big', Flag.READ);
    const reply = await driver.expect('data', (id) => read(id, handle, 0, 0xffff_ffff));
    expect(reply.bytes.length).toBe(255 * 1024);
  });

  test('uploads to several files may be interleaved', async () => {
    const driver = await SftpDriver.started();
    const [a, b] = [await driver.open('/a'), await driver.open('/b')];
    for (let at = 0; at < 10; at++) {
      await driver.send(write(2 * at, a, at, String(at)), write(2 * at + 1, b, at, String(9 - at)));
    }
    await driver.send(close(100, b), close(101, a));
    await driver.reply(101);
    expect(await contentOf(driver.backend, '/a')).toBe('0123456789');
    expect(await contentOf(driver.backend, '/b')).toBe('9876543210');
  });
});

/** A session over a backend whose uploads finish only when told to. */
async function withSlowClose() {
  const finishing = new Map<string, Deferred<void>>();
  const { backend, calls } = watchUploads({
    finishWrite: (path) => {
      const finish = deferred();
      finishing.set(path, finish);
      return finish.promise;
    },
  });
  const driver = await SftpDriver.started({ backend });
  return { driver, backend, calls, finish: (path: string) => finishing.get(path)?.resolve() };
}

describe('a CLOSE that takes its time', () => {
  test('is answered before everything that came after it, which goes on meanwhile', async () => {
    const { driver, calls, finish } = await withSlowClose();
    const [a, b] = [await driver.open('/a'), await driver.open('/b')];
    driver.replies.length = 0;
    await driver.send(close(1, a), write(2, b, 0, 'xyz'), fstat(3, b), write(4, b, 3, '!'));
    await turn();
    expect(driver.answers).toEqual([]);
    expect(calls.slice(2)).toEqual(['finish /a', 'write 0+3', 'write 3+1']);
    finish('/a');
    await driver.reply(4);
    expect(driver.answers).toEqual(['1: 0', '2: 0', '3: attrs', '4: 0']);
  });

  test('does not hold up what was asked before it', async () => {
    const { driver } = await withSlowClose();
    const a = await driver.open('/a');
    driver.replies.length = 0;
    await driver.send(write(1, a, 0, 'x'), close(2, a));
    await turn();
    expect(driver.answers).toEqual(['1: 0']);
  });

  test('two may be under way at once, and are answered in the order of the requests', async () => {
    const { driver, calls, finish } = await withSlowClose();
    const [a, b] = [await driver.open('/a'), await driver.open('/b')];
    driver.replies.length = 0;
    await driver.send(close(1, a), close(2, b));
    expect(calls.slice(2)).toEqual(['finish /a', 'finish /b']);
    finish('/b');
    await turn();
    expect(calls.at(-1)).toBe('finished /b');
    expect(driver.answers).toEqual([]);
    finish('/a');
    await driver.reply(2);
    expect(driver.answers).toEqual(['1: 0', '2: 0']);
  });

  const onPath: readonly (readonly [string, (id: number) => Buffer, string])[] = [
    ['STAT', (id) => stat(id, '/a'), '2: attrs'],
    ['OPEN', (id) => open(id, '/a', Flag.READ), '2: handle'],
    ['RENAME', (id) => rename(id, '/a', '/b'), '2: 0'],
    ['REMOVE', (id) => remove(id, '/a'), '2: 0'],
    ['OPENDIR', (id) => opendir(id, '/'), '2: handle'],
    ['MKDIR', (id) => mkdir(id, '/d'), '2: 0'],
  ];

  test.each(onPath)(
    '%s, which names a path, waits for it and sees its result',
    async (_, request, answer) => {
      const { driver, finish } = await withSlowClose();
      const a = await driver.open('/a');
      driver.replies.length = 0;
      driver.observed.length = 0;
      const room = driver.send(close(1, a), request(2));
      await turn();
      expect(driver.observed).toEqual([]);
      expect(room).toBeInstanceOf(Promise);
      finish('/a');
      await room;
      await driver.reply(2);
      expect(driver.answers).toEqual(['1: 0', answer]);
    },
  );

  test('a listing asked for after it holds the new file', async () => {
    const { driver, finish } = await withSlowClose();
    const a = await driver.open('/a');
    void driver.send(close(1, a), opendir(2, '/'), readdir(3, '1'));
    finish('/a');
    const listing = await driver.reply(3);
    expect(listing.kind === 'name' && listing.entries.map(({ filename }) => filename)).toEqual([
      '.',
      '..',
      'a',
    ]);
  });

  test('that of a file or a directory being read is no wait at all', async () => {
    const driver = await SftpDriver.started();
    await driver.backend.writeFile(createTestContext(), '/a', Buffer.from('x'));
    const file = await driver.open('/a', Flag.READ);
    const { handle } = await driver.expect('handle', (id) => opendir(id, '/'));
    await driver.send(close(1, file), close(2, handle), stat(3, '/a'));
    await driver.reply(3);
    expect(driver.answers.slice(-3)).toEqual(['1: 0', '2: 0', '3: attrs']);
  });

  test('a session knows that it is busy, and how many uploads there are, until it is answered', async () => {
    const { driver, finish } = await withSlowClose();
    const [a, b] = [await driver.open('/a'), await driver.open('/b')];
    expect([driver.session.isBusy, driver.session.uploads]).toEqual([false, 2]);
    await driver.send(close(1, a));
    expect([driver.session.isBusy, driver.session.uploads]).toEqual([true, 2]);
    finish('/a');
    await driver.reply(1);
    await turn();
    expect([driver.session.isBusy, driver.session.uploads]).toEqual([false, 1]);
    await driver.send(close(2, b));
    finish('/b');
    await driver.reply(2);
    await turn();
    expect(driver.session.uploads).toBe(0);
  });
});
