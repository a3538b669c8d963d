import { describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { Pace } from '../../src/contract/pace.ts';
import { withPace } from '../../src/layers/with-pace.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { type Deferred, deferred, isSettled, SftpDriver, watchUploads } from '../support/sftp-driver.ts';
import { close, Flag, read, stat, write } from '../support/sftp-packets.ts';

/** A pace at which everything after the first bytes is too early, until it is told otherwise. */
class ScriptedPace implements Pace {
  readonly taken: number[] = [];
  readonly waits: Deferred<void>[] = [];
  readonly #free: number;

  constructor(free: number) {
    this.#free = free;
  }

  take(bytes: number, signal: AbortSignal): Promise<void> | undefined {
    this.taken.push(bytes);
    if (this.taken.length <= this.#free) return undefined;
    const wait = deferred();
    this.waits.push(wait);
    signal.addEventListener('abort', () => wait.resolve());
    return wait.promise;
  }
}

const nobody = new ScriptedPace(Number.POSITIVE_INFINITY);

async function createReading(pace: Pace) {
  const memory = createMemoryBackend();
  await memory.writeFile(createTestContext(), '/a', Buffer.from('0123456789'));
  let fetches = 0;
  const backend = {
    ...memory,
    readFileRange: (...asked: Parameters<typeof memory.readFileRange>) => {
      fetches += 1;
      return memory.readFileRange(...asked);
    },
  };
  const driver = await SftpDriver.started({ backend, pace });
  return { driver, handle: await driver.open('/a', Flag.READ), fetches: () => fetches };
}

describe('a READ that is too early', () => {
  test('is not fetched before it is due, and the session is no idle one meanwhile', async () => {
    const pace = new ScriptedPace(0);
    const { driver, handle, fetches } = await createReading(pace);
    const room = driver.send(read(1, handle, 0, 4), stat(2, '/a'));
    expect(await isSettled(room)).toBe(false);
    expect([fetches(), driver.ids.includes(1), driver.session.isBusy]).toEqual([0, false, true]);
    pace.waits[0]?.resolve();
    expect(await driver.reply(1)).toMatchObject({ kind: 'data' });
    expect(await driver.reply(2)).toMatchObject({ kind: 'attrs' });
  });

  test('counts for what there is of the file, not for what is asked past its end', async () => {
    const pace = new ScriptedPace(Number.POSITIVE_INFINITY);
    const { driver, handle } = await createReading(pace);
    await driver.ask((id) => read(id, handle, 0, 4));
    await driver.ask((id) => read(id, handle, 8, 32_768));
    expect(await driver.code((id) => read(id, handle, 10, 32_768))).toBe(1);
    expect(pace.taken).toEqual([4, 2, 0]);
  });

  test('waits no longer than its client is there', async () => {
    const { driver, handle } = await createReading(new ScriptedPace(0));
    const room = driver.send(read(1, handle, 0, 4));
    await driver.session.end();
    expect(await isSettled(room)).toBe(true);
  });
});

describe('a WRITE that is too early', () => {
  async function createWriting(pace: Pace) {
    const memory = createMemoryBackend();
    const backend = withPace(memory, () => ({ uploads: pace, downloads: nobody }));
    const driver = await SftpDriver.started({ backend });
    return { driver, handle: await driver.open('/a') };
  }

  test('is answered when it is due, and what follows it is not read before that', async () => {
    const pace = new ScriptedPace(1);
    const { driver, handle } = await createWriting(pace);
    const room = driver.send(write(1, handle, 0, '01234'), write(2, handle, 5, '567'), close(3, handle));
    expect(await isSettled(room)).toBe(false);
    expect(driver.answers.slice(1)).toEqual(['1: 0']);
    expect(pace.taken).toEqual([5, 3]);
    pace.waits[0]?.resolve();
    await driver.reply(3);
    expect(driver.answers.slice(1)).toEqual(['1: 0', '2: 0', '3: 0']);
  });

  test('waits no longer than its client is there', async () => {
    const { driver, handle } = await createWriting(new ScriptedPace(0));
    const room = driver.send(write(1, handle, 0, '01234'));
    await driver.session.end();
    expect(await isSettled(room)).toBe(true);
  });

  test('that the store had no room for waits for both', async () => {
    const room = deferred();
    const { backend: slow } = watchUploads({ writeChunk: () => room.promise });
    const pace = new ScriptedPace(0);
    const backend = withPace(slow, () => ({ uploads: pace, downloads: nobody }));
    const driver = await SftpDriver.started({ backend });
    const handle = await driver.open('/a');
    const writing = driver.send(write(1, handle, 0, '01234'));
    room.resolve();
    expect(await isSettled(writing)).toBe(false);
    pace.waits[0]?.resolve();
    expect(await driver.reply(1)).toMatchObject({ code: 0 });
  });
});
