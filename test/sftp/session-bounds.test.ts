import { describe, expect, test } from 'vitest';
import { FsError } from '../../src/contract/errors.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { deferred, isSettled, SftpDriver, turn, watchUploads } from '../support/sftp-driver.ts';
import { close, Flag, read, write } from '../support/sftp-packets.ts';

const MiB = 1024 * 1024;

describe('the bounds of a session', () => {
  test('replies that wait for a slow CLOSE are few bytes, not only few in number', async () => {
    const finish = deferred();
    const { backend } = watchUploads({ finishWrite: () => finish.promise });
    await backend.writeFile(createTestContext(), '/big', Buffer.alloc(MiB));
    const driver = await SftpDriver.started({ backend });
    const [a, big] = [await driver.open('/a'), await driver.open('/big', Flag.READ)];
    driver.replies.length = 0;
    driver.sends.length = 0;
    const reads = Array.from({ length: 60 }, (_, index) => read(index + 1, big, 0, 255 * 1024));
    const room = driver.send(close(0, a), ...reads);
    // Without a limit all of them are carried out, and receive() has room for more.
    expect(await isSettled(room)).toBe(false);
    finish.resolve();
    await room;
    expect(driver.ids).toEqual(Array.from({ length: 61 }, (_, index) => index));
  });

  test('a write that ends because the channel went is not logged as a fault', async () => {
    const gone = deferred();
    const { backend } = watchUploads({
      writeChunk: () => gone.promise,
      abortWrite: async () => gone.reject(new FsError('EIO', 'the upload was aborted')),
    });
    const driver = await SftpDriver.started({ backend });
    const handle = await driver.open('/a');
    void driver.send(write(1, handle, 0, 'x'));
    await driver.session.end();
    await turn();
    expect(driver.faults).toEqual([]);
  });
});
