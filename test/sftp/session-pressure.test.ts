import { describe, expect, test } from 'vitest';
import { createTestContext } from '../../src/testing/index.ts';
import {
  contentOf,
  type Deferred,
  deferred,
  isSettled,
  SftpDriver,
  turn,
  watchUploads,
} from '../support/sftp-driver.ts';
import { close, Flag, fstat, open, read, stat, UPLOAD, write } from '../support/sftp-packets.ts';

const READ_LIMIT = 255 * 1024;

/** A session over uploads of which every write waits until it is let through. */
async function withSlowWrites() {
  const waiting: Deferred<void>[] = [];
  const { backend, calls } = watchUploads({
    writeChunk: () => {
      const write = deferred();
      waiting.push(write);
      return write.promise;
    },
  });
  const driver = await SftpDriver.started({ backend });
  return { driver, backend, calls, waiting };
}

describe('an upload without room', () => {
  test('receive() is a promise while a write waits, and no further packet is taken', async () => {
    const { driver, calls, waiting } = await withSlowWrites();
    const handle = await driver.open('/a');
    driver.replies.length = 0;
    const room = driver.send(write(1, handle, 0, 'ab'), write(2, handle, 2, 'cd'), fstat(3, handle));
    expect(await isSettled(room)).toBe(false);
    expect(calls.slice(1)).toEqual(['write 0+2']);
    expect(driver.answers).toEqual([]);
    waiting[0]?.resolve();
    await turn();
    expect(calls.slice(1)).toEqual(['write 0+2', 'write 2+2']);
    expect(driver.answers).toEqual(['1: 0']);
    expect(await isSettled(room)).toBe(false);
    waiting[1]?.resolve();
    await room;
    expect(driver.answers).toEqual(['1: 0', '2: 0', '3: attrs']);
  });

  test('what arrives meanwhile is kept, in order, and carried out afterwards', async () => {
    const { driver, backend, waiting } = await withSlowWrites();
    const handle = await driver.open('/a');
    const first = driver.send(write(1, handle, 0, 'ab'));
    const second = driver.send(write(2, handle, 2, 'cd').subarray(0, 9));
    const third = driver.send(write(2, handle, 2, 'cd').subarray(9), close(3, handle));
    expect(await isSettled(second)).toBe(false);
    waiting[0]?.resolve();
    await turn();
    waiting[1]?.resolve();
    await Promise.all([first, second, third]);
    await driver.reply(3);
    expect(driver.answers.slice(1)).toEqual(['1: 0', '2: 0', '3: 0']);
    expect(await contentOf(backend, '/a')).toBe('abcd');
  });

  test('the slices of one WRITE are handed over one after the other', async () => {
    const { driver, calls, waiting } = await withSlowWrites();
    const handle = await driver.open('/a');
    const bytes = write(1, handle, 0, 'x'.repeat(900));
    void driver.send(bytes.subarray(0, 500));
    const room = driver.send(bytes.subarray(500));
    await turn();
    expect(calls).toHaveLength(2);
    waiting[0]?.resolve();
    await turn();
    expect(calls).toHaveLength(3);
    expect(driver.ids).not.toContain(1);
    waiting[1]?.resolve();
    await room;
    expect(driver.answers.at(-1)).toBe('1: 0');
  });

  test('replies that are ready are not held back by it', async () => {
    const { driver } = await withSlowWrites();
    const handle = await driver.open('/a');
    driver.replies.length = 0;
    void driver.send(stat(1, '/'), fstat(2, handle), write(3, handle, 0, 'x'));
    await turn();
    expect(driver.answers).toEqual(['1: attrs', '2: attrs']);
  });

  test('a write that has room costs no promise', async () => {
    const driver = await SftpDriver.started();
    const handle = await driver.open('/a');
    expect(driver.send(write(1, handle, 0, 'ab'), write(2, handle, 2, 'cd'))).toBeUndefined();
    expect(driver.answers.slice(1)).toEqual(['1: 0', '2: 0']);
  });
});

describe('a client that takes no replies', () => {
  test('is not served further before it does', async () => {
    const { backend, calls } = watchUploads();
    const driver = await SftpDriver.started({ backend });
    const handle = await driver.open('/a');
    driver.replies.length = 0;
    driver.block();
    void driver.send(fstat(1, handle));
    const room = driver.send(write(2, handle, 0, 'x'), fstat(3, handle));
    expect(await isSettled(room)).toBe(false);
    expect(driver.answers).toEqual(['1: attrs']);
    expect(calls).toEqual(['begin /a']);
    driver.unblock();
    await room;
    expect(driver.answers).toEqual(['1: attrs', '2: 0', '3: attrs']);
  });

  test('a CLOSE that finishes meanwhile is answered as soon as it takes some again', async () => {
    const finish = deferred();
    const { backend } = watchUploads({ finishWrite: () => finish.promise });
    const driver = await SftpDriver.started({ backend });
    const [a, b] = [await driver.open('/a'), await driver.open('/b')];
    driver.replies.length = 0;
    driver.block();
    void driver.send(write(1, b, 0, 'x'), close(2, a));
    expect(driver.answers).toEqual(['1: 0']);
    finish.resolve();
    await turn();
    expect(driver.answers).toEqual(['1: 0']);
    driver.unblock();
    await driver.reply(2);
    expect(driver.answers).toEqual(['1: 0', '2: 0']);
  });

  test('gets large replies one after the other, never all at once', async () => {
    const driver = await SftpDriver.started();
    await driver.backend.writeFile(createTestContext(), '/big', Buffer.alloc(4 * 1024 * 1024, 7));
    const handle = await driver.open('/big', Flag.READ);
    driver.replies.length = 0;
    driver.sends.length = 0;
    driver.block();
    const reads = Array.from({ length: 16 }, (_, index) =>
      read(index, handle, index * READ_LIMIT, READ_LIMIT),
    );
    const room = driver.send(...reads);
    for (let sent = 1; sent <= 16; sent++) {
      await turn();
      expect(driver.sends).toHaveLength(sent);
      driver.unblock(false);
    }
    await room;
    expect(driver.ids).toEqual(reads.map((_, index) => index));
    expect(Math.max(...driver.sends)).toBeLessThan(READ_LIMIT + 1024);
  });
});

describe('many requests at once', () => {
  test('small replies share their sends', async () => {
    const driver = await SftpDriver.started();
    const handle = await driver.open('/a');
    driver.sends.length = 0;
    await driver.send(...Array.from({ length: 50 }, (_, index) => write(index, handle, index, 'x')));
    expect(driver.sends).toHaveLength(1);
    expect(driver.ids.slice(1)).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  test('small replies share their sends after large ones too', async () => {
    const driver = await SftpDriver.started();
    await driver.backend.writeFile(createTestContext(), '/big', Buffer.alloc(1024 * 1024));
    const [upload, big] = [await driver.open('/a'), await driver.open('/big', Flag.READ)];
    await driver.send(...Array.from({ length: 4 }, (_, index) => read(index, big, 0, READ_LIMIT)));
    driver.sends.length = 0;
    await driver.send(...Array.from({ length: 50 }, (_, index) => write(index, upload, index, 'x')));
    expect(driver.sends).toHaveLength(1);
  });

  test('large replies that waited for a slow CLOSE are not joined into one send', async () => {
    const finish = deferred();
    const { backend } = watchUploads({ finishWrite: () => finish.promise });
    await backend.writeFile(createTestContext(), '/big', Buffer.alloc(1024 * 1024));
    const driver = await SftpDriver.started({ backend });
    const [upload, big] = [await driver.open('/a'), await driver.open('/big', Flag.READ)];
    driver.sends.length = 0;
    const reads = Array.from({ length: 6 }, (_, index) => read(index + 1, big, 0, 100_000));
    await driver.send(close(0, upload), ...reads);
    expect(driver.sends).toEqual([]);
    finish.resolve();
    await driver.reply(6);
    expect(Math.max(...driver.sends)).toBeLessThan(128 * 1024 + 100_013);
  });

  test.each([63, 64, 65, 200])('%d requests in one chunk are all answered, in order', async (count) => {
    const driver = await SftpDriver.started();
    const handle = await driver.open('/a');
    driver.replies.length = 0;
    const requests = Array.from({ length: count }, (_, index) =>
      index % 3 === 0 ? stat(index, '/') : write(index, handle, index, 'x'),
    );
    await driver.send(...requests);
    expect(driver.ids).toEqual(requests.map((_, index) => index));
  });

  test('behind a slow CLOSE no more than 64 requests are taken on, and the rest is not lost', async () => {
    const finish = deferred();
    const { backend, calls } = watchUploads({ finishWrite: () => finish.promise });
    const driver = await SftpDriver.started({ backend });
    const [a, b] = [await driver.open('/a'), await driver.open('/b')];
    driver.replies.length = 0;
    const writes = Array.from({ length: 100 }, (_, index) => write(index + 1, b, index, 'x'));
    const room = driver.send(close(0, a), ...writes);
    expect(await isSettled(room)).toBe(false);
    expect(calls.filter((call) => call.startsWith('write'))).toHaveLength(63);
    expect(driver.ids).toEqual([]);
    finish.resolve();
    await room;
    expect(driver.ids).toEqual(Array.from({ length: 101 }, (_, index) => index));
  });

  test('a later CLOSE that is done first lets no 65th request in', async () => {
    const finishing = new Map<string, Deferred<void>>();
    const { backend, calls } = watchUploads({
      finishWrite: (path) => {
        const finish = deferred();
        finishing.set(path, finish);
        return finish.promise;
      },
    });
    const driver = await SftpDriver.started({ backend });
    const [a, b, c] = [await driver.open('/a'), await driver.open('/b'), await driver.open('/c')];
    const writes = Array.from({ length: 70 }, (_, index) => write(index, c, index, 'x'));
    const room = driver.send(close(100, a), close(101, b), ...writes);
    finishing.get('/b')?.resolve();
    await turn();
    expect(calls.filter((call) => call.startsWith('write'))).toHaveLength(62);
    finishing.get('/a')?.resolve();
    await room;
    expect(driver.ids.slice(3)).toEqual([100, 101, ...writes.map((_, index) => index)]);
  });

  test('a thousand pipelined READs are answered in order, and few replies wait at any time', async () => {
    const driver = await SftpDriver.started();
    const content = Buffer.from(Array.from({ length: 4_000_000 }, (_, index) => (index * 7) % 251));
    await driver.backend.writeFile(createTestContext(), '/big', content);
    const handle = await driver.open('/big', Flag.READ);
    driver.replies.length = 0;
    driver.sends.length = 0;
    const reads = Array.from({ length: 1000 }, (_, index) => read(index, handle, index * 4000, 4000));
    await driver.send(...reads);
    expect(driver.ids).toEqual(reads.map((_, index) => index));
    const received = driver.replies.map((reply) => (reply.kind === 'data' ? reply.bytes : Buffer.alloc(0)));
    expect(Buffer.concat(received).equals(content)).toBe(true);
    expect(Math.max(...driver.sends)).toBeLessThan(128 * 1024 + 4013);
  });

  test('few of a thousand READs are carried out while the client takes nothing', async () => {
    const driver = await SftpDriver.started();
    await driver.backend.writeFile(createTestContext(), '/big', Buffer.alloc(4_000_000));
    const handle = await driver.open('/big', Flag.READ);
    driver.sends.length = 0;
    driver.observed.length = 0;
    driver.block();
    const room = driver.send(
      ...Array.from({ length: 1000 }, (_, index) => read(index, handle, index * 4000, 4000)),
    );
    expect(await isSettled(room)).toBe(false);
    expect(driver.sends).toHaveLength(1);
    expect(driver.observed.length).toBeLessThan(3);
    driver.unblock();
    await room;
    expect(driver.ids).toHaveLength(1001);
  });

  test('an upload of many small writes in few chunks is whole', async () => {
    const driver = await SftpDriver.started();
    const count = 2000;
    const packets = [
      open(0, '/a', UPLOAD),
      ...Array.from({ length: count }, (_, index) =>
        write(index + 1, '0', index * 4, index.toString().padStart(4)),
      ),
      close(count + 1, '0'),
    ];
    await driver.send(...packets);
    await driver.reply(count + 1);
    expect(driver.ids).toEqual(Array.from({ length: count + 2 }, (_, index) => index));
    const expected = Array.from({ length: count }, (_, index) => index.toString().padStart(4)).join('');
    expect(await contentOf(driver.backend, '/a')).toBe(expected);
  });
});
