import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FsError } from '../../src/contract/errors.ts';
import { LULL_MS } from '../../src/sftp/parting.ts';
import { contentOf, deferred, isSettled, SftpDriver, turn, watchUploads } from '../support/sftp-driver.ts';
import { close, Flag, open, opendir, readdir, rename, stat, UPLOAD, write } from '../support/sftp-packets.ts';

// The lull passes when a test says so; everything else takes its time.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const lull = (share = 1) => vi.advanceTimersByTimeAsync(LULL_MS * share);

/** A session whose client has said nothing for a while. */
async function resting(...options: Parameters<typeof SftpDriver.started>): Promise<SftpDriver> {
  const driver = await SftpDriver.started(...options);
  await lull();
  return driver;
}

describe('a session that is to end', () => {
  test('may do so at once while its client asks for nothing', async () => {
    const driver = await resting();
    expect(await isSettled(driver.session.drain())).toBe(true);
  });

  test('lets an upload go on to its CLOSE, which is answered, and its client a moment longer', async () => {
    const finish = deferred();
    const { backend, calls } = watchUploads({ finishWrite: () => finish.promise });
    const driver = await resting({ backend });
    const handle = await driver.open('/a');
    const due = driver.session.drain();
    await lull(10);
    expect(await driver.code((id) => write(id, handle, 0, 'whole'))).toBe(0);
    await driver.send(close(1, handle));
    await lull(10);
    expect(await isSettled(due)).toBe(false);
    finish.resolve();
    await driver.reply(1);
    expect(await isSettled(due)).toBe(false);
    await lull();
    expect(await isSettled(due)).toBe(true);
    expect(driver.answers.at(-1)).toBe('1: 0');
    expect(calls.at(-1)).toBe('finished /a');
  });

  test('serves what belongs to a file that was just closed: its rename, a look at it, each with a moment of its own', async () => {
    const driver = await resting();
    const handle = await driver.open('/a.part');
    const due = driver.session.drain();
    expect(await driver.code((id) => close(id, handle))).toBe(0);
    await lull(0.9);
    expect(await driver.code((id) => rename(id, '/a.part', '/a'))).toBe(0);
    await lull(0.9);
    await driver.expect('attrs', (id) => stat(id, '/a'));
    await lull(0.9);
    expect(await isSettled(due)).toBe(false);
    await lull(0.1);
    expect(await isSettled(due)).toBe(true);
  });

  test.each([
    ['a file to write', (id: number) => open(id, '/b', UPLOAD)],
    ['a file to read', (id: number) => open(id, '/b', Flag.READ)],
    ['a directory', (id: number) => opendir(id, '/')],
  ])('opens %s no more: that is refused, and the session over', async (_, request) => {
    const { backend, calls } = watchUploads();
    const driver = await resting({ backend });
    const handle = await driver.open('/a');
    const due = driver.session.drain();
    expect(await driver.code((id) => close(id, handle))).toBe(0);
    expect(await isSettled(due)).toBe(false);
    expect(await driver.ask(request)).toMatchObject({ code: 4, message: 'Not now; connect again' });
    expect(await isSettled(due)).toBe(true);
    expect(calls).toEqual(['begin /a', 'finish /a', 'finished /a']);
  });

  test('finishes what is open although another OPEN was refused', async () => {
    const driver = await resting();
    const handle = await driver.open('/a');
    const due = driver.session.drain();
    expect(await driver.code((id) => open(id, '/b', UPLOAD))).toBe(4);
    expect(await isSettled(due)).toBe(false);
    expect(await driver.code((id) => write(id, handle, 0, 'x'))).toBe(0);
    expect(await driver.code((id) => close(id, handle))).toBe(0);
    expect(await isSettled(due)).toBe(true);
    expect(await contentOf(driver.backend, '/a')).toBe('x');
  });

  test('lets downloads and listings that have begun come to their ends', async () => {
    const driver = await resting();
    const { handle } = await driver.expect('handle', (id) => opendir(id, '/'));
    const due = driver.session.drain();
    await lull(10);
    expect(await isSettled(due)).toBe(false);
    await driver.expect('name', (id) => readdir(id, handle));
    expect(await driver.code((id) => close(id, handle))).toBe(0);
    await lull();
    expect(await isSettled(due)).toBe(true);
  });

  test('waits for replies that the client has not taken yet', async () => {
    const driver = await resting();
    driver.block();
    void driver.send(stat(1, '/'));
    const due = driver.session.drain();
    await driver.reply(1);
    await lull(10);
    expect(await isSettled(due)).toBe(false);
    driver.unblock();
    expect(await isSettled(due)).toBe(true);
  });

  test('is over when the client goes, whatever was open', async () => {
    const driver = await resting();
    await driver.open('/a');
    const due = driver.session.drain();
    expect(await isSettled(due)).toBe(false);
    await driver.session.end();
    await due;
  });
});

describe('a session that is cut off', () => {
  test('aborts what is open, answers the CLOSE that is being carried out, and takes nothing more', async () => {
    const [finish, room] = [deferred(), deferred()];
    const { backend, calls } = watchUploads({
      finishWrite: () => finish.promise,
      writeChunk: (_, bytes) => (bytes.length === 1 ? room.promise : undefined),
      abortWrite: async () => room.reject(new FsError('ECANCELED', 'aborted')),
    });
    const driver = await resting({ backend });
    const [a, b] = [await driver.open('/a'), await driver.open('/b')];
    await driver.code((id) => write(id, a, 0, 'whole'));
    void driver.send(close(1, a), write(2, b, 0, 'x'));
    const due = driver.session.drain();
    const over = driver.session.cutOff();
    await turn();
    expect(calls.slice(2)).toEqual(['write 0+5', 'finish /a', 'write 0+1', 'abort /b']);
    expect([await isSettled(over), await isSettled(due)]).toEqual([false, false]);
    expect(driver.send(write(3, b, 0, 'y'), close(4, b))).toBeUndefined();
    finish.resolve();
    await over;
    await due;
    expect(driver.answers.at(-1)).toBe('1: 0');
    expect(await contentOf(backend, '/a')).toBe('whole');
    expect(await contentOf(backend, '/b')).toBeUndefined();
    expect(driver.faults).toEqual([]);
  });

  test('answers a rename that is being carried out', async () => {
    const renaming = deferred();
    const { backend } = watchUploads();
    const driver = await resting({
      backend: { ...backend, rename: (...args) => renaming.promise.then(() => backend.rename(...args)) },
    });
    const handle = await driver.open('/a.part');
    await driver.code((id) => close(id, handle));
    void driver.send(rename(1, '/a.part', '/a'));
    const over = driver.session.cutOff();
    expect(await isSettled(over)).toBe(false);
    renaming.resolve();
    await over;
    expect(driver.answers.at(-1)).toBe('1: 0');
  });

  test('does not outlive its client', async () => {
    const finish = deferred();
    const { backend } = watchUploads({ finishWrite: () => finish.promise });
    const driver = await resting({ backend });
    const handle = await driver.open('/a');
    await driver.send(close(1, handle));
    const over = driver.session.cutOff();
    const ended = driver.session.end();
    finish.resolve();
    await Promise.all([over, ended]);
    expect(driver.ids).not.toContain(1);
  });
});
