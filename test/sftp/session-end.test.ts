import { describe, expect, test } from 'vitest';
import { createTestContext } from '../../src/testing/index.ts';
import { contentOf, deferred, isSettled, SftpDriver, turn, watchUploads } from '../support/sftp-driver.ts';
import {
  close,
  Flag,
  hex,
  init,
  open,
  opendir,
  packet,
  read,
  stat,
  UPLOAD,
  u32,
  write,
} from '../support/sftp-packets.ts';

describe('what is no SFTP', () => {
  test.each([
    ['a packet without a type', hex('00000000')],
    ['a packet over the limit', hex('00040001 06')],
    ['text', Buffer.from('HTTP/1.1 400 Bad Request')],
    ['a request too short for its id', hex('00000003 11 0000')],
  ])('%s closes the channel and aborts the uploads', async (_, bytes) => {
    const { backend, calls } = watchUploads();
    const driver = await SftpDriver.started({ backend });
    const handle = await driver.open('/a');
    driver.replies.length = 0;
    await driver.send(bytes, write(1, handle, 0, 'x'), close(2, handle));
    await turn();
    expect(driver.closed).toHaveLength(1);
    expect(calls).toEqual(['begin /a', 'abort /a']);
    expect(driver.replies).toEqual([]);
    expect(driver.faults).toEqual([]);
    expect(driver.send(stat(3, '/'))).toBeUndefined();
    expect(driver.replies).toEqual([]);
  });

  test.each([
    ['a request', stat(1, '/')],
    ['VERSION', packet(2, u32(3))],
    ['an INIT that is too short', hex('00000002 01 00')],
  ])('%s in the place of INIT closes the channel', async (_, bytes) => {
    const driver = new SftpDriver();
    await driver.send(bytes, init());
    await turn();
    expect(driver.closed).toHaveLength(1);
    expect(driver.replies).toEqual([]);
  });

  test('nothing of what was asked before it is carried out afterwards', async () => {
    const finish = deferred();
    const { backend, calls } = watchUploads({ finishWrite: () => finish.promise });
    const driver = await SftpDriver.started({ backend });
    const [a, b] = [await driver.open('/a'), await driver.open('/b')];
    await driver.send(close(1, a), hex('00000000'), write(2, b, 0, 'x'));
    finish.resolve();
    await turn();
    expect(calls.slice(2)).toEqual(['finish /a', 'abort /b', 'finished /a']);
  });
});

describe('the end of a session', () => {
  test('aborts every open upload, and forgets every handle', async () => {
    const { backend, calls } = watchUploads();
    const driver = await SftpDriver.started({ backend });
    const handle = await driver.open('/a');
    await driver.open('/b');
    await driver.code((id) => write(id, handle, 0, 'x'));
    await driver.session.end();
    expect(calls.slice(-2)).toEqual(['abort /a', 'abort /b']);
    expect(driver.session.uploads).toBe(0);
    expect(await contentOf(backend, '/a')).toBeUndefined();
  });

  test('lets an upload that is being finished go on, and waits for it', async () => {
    const finish = deferred();
    const { backend, calls } = watchUploads({ finishWrite: () => finish.promise });
    const driver = await SftpDriver.started({ backend });
    const handle = await driver.open('/a');
    await driver.code((id) => write(id, handle, 0, 'x'));
    await driver.send(close(1, handle));
    const ended = driver.session.end();
    expect(await isSettled(ended)).toBe(false);
    finish.resolve();
    await ended;
    expect(calls.at(-1)).toBe('finished /a');
    expect(await contentOf(backend, '/a')).toBe('x');
    expect(driver.ids).not.toContain(1);
  });

  test('ends once, however often it is told', async () => {
    const { backend, calls } = watchUploads();
    const driver = await SftpDriver.started({ backend });
    await driver.open('/a');
    await Promise.all([driver.session.end(), driver.session.end()]);
    await driver.session.end();
    expect(calls).toEqual(['begin /a', 'abort /a']);
  });

  test('tells the backend that the client is gone', async () => {
    const signals: AbortSignal[] = [];
    const { backend } = watchUploads();
    const driver = await SftpDriver.started({
      backend: {
        ...backend,
        fileInfo: (context, path) => {
          signals.push(context.signal);
          return backend.fileInfo(context, path);
        },
      },
    });
    await driver.ask((id) => stat(id, '/'));
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    await driver.session.end();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  test('an upload that cannot be aborted is logged and holds up no other', async () => {
    const error = new Error('no');
    const { backend, calls } = watchUploads({
      abortWrite: async (path) => {
        if (path === '/a') throw error;
      },
    });
    const driver = await SftpDriver.started({ backend });
    await driver.open('/a');
    await driver.open('/b');
    await driver.session.end();
    expect(calls.slice(2)).toEqual(['abort /a', 'abort /b']);
    expect(driver.faults).toEqual([{ error, request: 'end' }]);
  });

  test('aborts an upload of which a write still waits', async () => {
    const { backend, calls } = watchUploads({ writeChunk: () => new Promise(() => undefined) });
    const driver = await SftpDriver.started({ backend });
    const handle = await driver.open('/a');
    void driver.send(write(1, handle, 0, 'x'));
    await driver.session.end();
    expect(calls.at(-1)).toBe('abort /a');
  });

  test('an upload that is opened while the channel goes is aborted', async () => {
    const opening = deferred();
    const { backend, calls } = watchUploads({ beginWrite: () => opening.promise });
    const driver = await SftpDriver.started({ backend });
    void driver.send(open(1, '/a', UPLOAD));
    const ended = driver.session.end();
    opening.resolve();
    await ended;
    await turn();
    expect(calls).toEqual(['begin /a', 'abort /a']);
    expect(driver.session.uploads).toBe(0);
  });

  test('a directory that is opened while the channel goes is closed', async () => {
    const first = deferred();
    let released = false;
    const { backend } = watchUploads();
    const driver = await SftpDriver.started({
      backend: {
        ...backend,
        async *listDir() {
          try {
            await first.promise;
            yield [];
            yield [];
          } finally {
            released = true;
          }
        },
      },
    });
    void driver.send(opendir(1, '/'));
    const ended = driver.session.end();
    first.resolve();
    await ended;
    await turn();
    expect(released).toBe(true);
  });

  test('a request that waits for a CLOSE is not carried out after the channel has gone', async () => {
    const finish = deferred();
    const { backend, calls } = watchUploads({ finishWrite: () => finish.promise });
    const driver = await SftpDriver.started({ backend });
    const a = await driver.open('/a');
    void driver.send(close(1, a), open(2, '/b', UPLOAD));
    const ended = driver.session.end();
    finish.resolve();
    await ended;
    await turn();
    expect(calls).toEqual(['begin /a', 'finish /a', 'finished /a']);
  });
});

describe('the end of what a client sends', () => {
  test('answers what was asked first, a slow CLOSE included', async () => {
    const finish = deferred();
    const { backend } = watchUploads({ finishWrite: () => finish.promise });
    const driver = await SftpDriver.started({ backend });
    const handle = await driver.open('/a');
    driver.replies.length = 0;
    void driver.send(close(1, handle), stat(2, '/a'));
    const ended = driver.session.endOfInput();
    expect(await isSettled(ended)).toBe(false);
    finish.resolve();
    await ended;
    expect(driver.answers).toEqual(['1: 0', '2: attrs']);
  });

  test('aborts what was not closed: an end is no CLOSE', async () => {
    const { backend, calls } = watchUploads();
    const driver = await SftpDriver.started({ backend });
    const handle = await driver.open('/a');
    await driver.send(write(1, handle, 0, 'x'));
    await driver.session.endOfInput();
    expect(calls.at(-1)).toBe('abort /a');
    expect(await contentOf(backend, '/a')).toBeUndefined();
  });

  test('in the middle of a packet ends like any other', async () => {
    const { backend, calls } = watchUploads();
    const driver = await SftpDriver.started({ backend });
    const handle = await driver.open('/a');
    await driver.send(close(1, handle).subarray(0, 9));
    await driver.session.endOfInput();
    expect(calls).toEqual(['begin /a', 'abort /a']);
  });

  test('everything asked before the end of the input is answered, to a slow client too', async () => {
    const finish = deferred();
    const { backend } = watchUploads({ finishWrite: () => finish.promise });
    await backend.writeFile(createTestContext(), '/big', Buffer.alloc(2 * 1024 * 1024));
    const driver = await SftpDriver.started({ backend });
    const [a, big] = [await driver.open('/a'), await driver.open('/big', Flag.READ)];
    driver.replies.length = 0;
    const reads = Array.from({ length: 6 }, (_, index) => read(index + 1, big, index * 150_000, 150_000));
    await driver.send(close(0, a), ...reads);
    driver.block();
    const ended = driver.session.endOfInput();
    finish.resolve();
    for (let sends = 0; sends < 10; sends++) {
      await turn();
      driver.unblock(false);
    }
    await ended;
    expect(driver.ids).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });
});
