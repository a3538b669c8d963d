import { describe, expect, test } from 'vitest';
import { FsError } from '../../src/contract/errors.ts';
import { contentOf, type SftpDriver, turn, uploading } from '../support/sftp-driver.ts';
import { close, fstat, hex, packet, str, u32, u64, write } from '../support/sftp-packets.ts';

const BIG = 200_000;

/** A WRITE in three pieces: into its head, into what follows, the rest. What was answered once all are in. */
async function inPieces(driver: SftpDriver, bytes: Buffer): Promise<void> {
  await driver.send(bytes.subarray(0, 20));
  await driver.send(bytes.subarray(20, 1000));
  await driver.send(bytes.subarray(1000, -1));
  expect(driver.answers).toEqual([]);
  await driver.send(bytes.subarray(-1));
}

describe('a WRITE that arrives slowly and is refused', () => {
  test('because its handle is unknown: answered at its end, the next request is read', async () => {
    const { driver, calls, handle } = await uploading();
    await inPieces(driver, write(1, 'nothing', 0, Buffer.alloc(BIG)));
    await driver.send(fstat(2, handle));
    expect(driver.answers).toEqual(['1: 4', '2: attrs']);
    expect(calls).toEqual([]);
  });

  test.each([
    ['its payload does not fit into it', 0n, 2 * BIG],
    ['its offset is past 2^53', 2n ** 60n, BIG],
  ])('because %s: BAD_MESSAGE, and its upload is spoilt', async (_, offset, length) => {
    const { driver, backend, calls, handle } = await uploading();
    const bytes = packet(6, u32(1), str(handle), u64(offset), u32(length), Buffer.alloc(BIG));
    await inPieces(driver, bytes);
    expect(driver.answers).toEqual(['1: 5']);
    await driver.send(write(2, handle, 0, 'x'), close(3, handle));
    await driver.reply(3);
    expect(driver.answers).toEqual(['1: 5', '2: 4', '3: 4']);
    expect(calls).toEqual(['abort /a']);
    expect(await contentOf(backend, '/a')).toBeUndefined();
  });

  test('because its handle is longer than any: BAD_MESSAGE, and no upload is spoilt', async () => {
    const { driver, handle } = await uploading();
    await inPieces(driver, write(1, 'h'.repeat(257), 0, Buffer.alloc(BIG)));
    await driver.send(close(2, handle));
    await driver.reply(2);
    expect(driver.answers).toEqual(['1: 5', '2: 0']);
  });

  test.each([
    [
      'throws',
      new FsError('EFBIG', 'too large'),
      () => {
        throw new FsError('EFBIG', 'too large');
      },
    ],
    ['rejects', new FsError('EFBIG', 'too large'), () => Promise.reject(new FsError('EFBIG', 'too large'))],
    [
      'throws without a reason',
      undefined,
      () => {
        throw undefined;
      },
    ],
    ['rejects without a reason', undefined, () => Promise.reject()],
  ])(
    'because a piece of it is when the upload %s: the rest is passed over, CLOSE fails',
    async (_, error, refusal) => {
      let pieces = 0;
      const { driver, backend, calls, handle } = await uploading({
        writeChunk: () => (++pieces === 2 ? refusal() : undefined),
      });
      const bytes = write(1, handle, 0, Buffer.alloc(BIG));
      await driver.send(bytes.subarray(0, 1000));
      await driver.send(bytes.subarray(1000, 2000));
      await driver.send(bytes.subarray(2000, 3000));
      expect(calls).toHaveLength(2);
      expect(driver.answers).toEqual([]);
      await driver.send(bytes.subarray(3000), write(2, handle, 0, 'x'), close(3, handle));
      await driver.reply(3);
      expect(driver.answers).toEqual(['1: 4', '2: 4', '3: 4']);
      expect(calls.slice(2)).toEqual(['abort /a']);
      expect(driver.faults.length > 0).toBe(error === undefined);
      expect(await contentOf(backend, '/a')).toBeUndefined();
    },
  );

  test('because an earlier one was: no byte of it reaches the upload', async () => {
    const { driver, calls, handle } = await uploading({
      writeChunk: () => {
        throw new FsError('ENOTSUP', 'out of order');
      },
    });
    await driver.send(write(1, handle, 0, 'x'));
    driver.replies.length = 0;
    await inPieces(driver, write(2, handle, 1, Buffer.alloc(BIG)));
    expect(driver.answers).toEqual(['2: 8']);
    expect(calls).toEqual(['write 0+1']);
  });
});

describe('what stands behind the payload of a WRITE', () => {
  test.each([
    ['a payload', 'payload'],
    ['nothing at all', ''],
  ])('is passed over as it comes, behind %s', async (_, payload) => {
    const { driver, backend, handle } = await uploading();
    const bytes = packet(6, u32(1), str(handle), u64(0), str(payload), Buffer.alloc(BIG, 0xff));
    await inPieces(driver, bytes);
    await driver.send(close(2, handle));
    await driver.reply(2);
    expect(driver.answers).toEqual(['1: 0', '2: 0']);
    expect(await contentOf(backend, '/a')).toBe(payload);
  });

  test('a packet over the limit still ends the channel before any of its payload is taken', async () => {
    const { driver, calls } = await uploading();
    await driver.send(hex('00040001 06 00000001 00000001 30 0000000000000000 0003ffe0 ff'));
    await turn();
    expect(driver.closed).toHaveLength(1);
    expect(calls).toEqual(['abort /a']);
  });
});
