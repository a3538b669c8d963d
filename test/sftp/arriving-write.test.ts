import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FsError } from '../../src/contract/errors.ts';
import { ArrivingWrite } from '../../src/sftp/arriving-write.ts';
import { HandleTable } from '../../src/sftp/handle-table.ts';
import { PacketFramer } from '../../src/sftp/wire/framing.ts';
import { createMemoryUpload } from '../support/memory-upload.ts';
import {
  contentOf,
  type Deferred,
  deferred,
  isSettled,
  SftpDriver,
  turn,
  uploading,
} from '../support/sftp-driver.ts';
import { close, fstat, open, packet, str, UPLOAD, u32, u64, write } from '../support/sftp-packets.ts';

const BIG = 200_000;

/** Bytes of a WRITE before its payload, the length field included, for a handle of one byte. */
const HEAD = 26;

describe('a WRITE that arrives slowly', () => {
  test('is handed to its upload as it comes, and answered when it is whole', async () => {
    const { driver, backend, calls, handle } = await uploading();
    const payload = Buffer.from(Array.from({ length: BIG }, (_, index) => index % 251));
    const bytes = write(1, handle, 7, payload);
    expect(driver.send(bytes.subarray(0, HEAD + 100))).toBeUndefined();
    expect(calls).toEqual(['write 7+100']);
    expect(driver.send(bytes.subarray(HEAD + 100, -1))).toBeUndefined();
    expect(calls).toEqual(['write 7+100', `write 107+${BIG - 101}`]);
    expect(driver.answers).toEqual([]);
    await driver.send(bytes.subarray(-1), close(2, handle));
    await driver.reply(2);
    expect(driver.answers).toEqual(['1: 0', '2: 0']);
    const zeros = Buffer.alloc(7);
    expect(await contentOf(backend, '/a')).toBe(Buffer.concat([zeros, payload]).toString());
  });

  test('leaves nothing of its payload in the framer, whatever is wrong with it', () => {
    const good = write(1, '0', 0, Buffer.alloc(BIG));
    const unknown = write(1, 'x', 0, Buffer.alloc(BIG));
    const far = packet(6, u32(1), str('0'), u64(2n ** 60n), str(Buffer.alloc(BIG)));
    const trailing = packet(6, u32(1), str('0'), u64(0), str('x'), Buffer.alloc(BIG));
    const oversized = packet(6, u32(1), str('0'), u64(0), u32(2 * BIG), Buffer.alloc(BIG));
    for (const bytes of [good, unknown, far, trailing, oversized]) {
      const framer = new PacketFramer(256 * 1024);
      const handles = new HandleTable(1);
      handles.add({ kind: 'upload', path: '/a', upload: createMemoryUpload(), startedAt: 0 });
      framer.push(bytes.subarray(0, HEAD));
      const arriving = ArrivingWrite.begin(framer, handles);
      expect(arriving?.id).toBe(1);
      for (let at = HEAD; at < bytes.length - 1; at += 1000) {
        framer.push(bytes.subarray(at, Math.min(at + 1000, bytes.length - 1)));
        expect(arriving?.advance()).toBe('incomplete');
        expect(framer.bufferedBytes).toBe(0);
      }
      framer.push(bytes.subarray(-1));
      expect(arriving?.advance()).toBe('complete');
    }
  });

  test('does not make its client a busy one: it may idle out in mid-packet', async () => {
    const { driver, handle } = await uploading();
    await driver.send(write(1, handle, 0, Buffer.alloc(BIG)).subarray(0, 1000));
    expect(driver.session.isBusy).toBe(false);
  });

  test('of which a piece has to wait makes it busy, and nothing more is taken on', async () => {
    const waiting: Deferred<void>[] = [];
    const { driver, calls, handle } = await uploading({
      writeChunk: () => {
        const piece = deferred();
        waiting.push(piece);
        return piece.promise;
      },
    });
    const bytes = write(1, handle, 0, Buffer.alloc(BIG));
    const room = driver.send(bytes.subarray(0, 1000));
    void driver.send(bytes.subarray(1000));
    void driver.send(fstat(2, handle));
    expect(await isSettled(room)).toBe(false);
    expect(driver.session.isBusy).toBe(true);
    expect(calls).toEqual([`write 0+${1000 - HEAD}`]);
    waiting[0]?.resolve();
    await turn();
    expect(calls).toHaveLength(2);
    expect(driver.answers).toEqual([]);
    waiting[1]?.resolve();
    await room;
    expect(driver.answers).toEqual(['1: 0', '2: attrs']);
  });

  test('is aborted with its upload when the connection dies in the middle of it', async () => {
    const { driver, backend, calls, handle } = await uploading();
    await driver.send(write(1, handle, 0, Buffer.alloc(BIG)).subarray(0, 1000));
    await driver.session.end();
    expect(calls).toEqual([`write 0+${1000 - HEAD}`, 'abort /a']);
    expect(driver.send(Buffer.alloc(BIG))).toBeUndefined();
    expect(calls).toHaveLength(2);
    expect(driver.answers).toEqual([]);
    expect(await contentOf(backend, '/a')).toBeUndefined();
  });

  test('and waits while the connection dies, is not gone on with', async () => {
    const gone = deferred();
    const { driver, calls, handle } = await uploading({
      writeChunk: () => gone.promise,
      abortWrite: async () => gone.reject(new FsError('EIO', 'the upload was aborted')),
    });
    const bytes = write(1, handle, 0, Buffer.alloc(BIG));
    const room = driver.send(bytes.subarray(0, 1000));
    void driver.send(bytes.subarray(1000), close(2, handle));
    await driver.session.end();
    await room;
    expect(calls).toEqual([`write 0+${1000 - HEAD}`, 'abort /a']);
    expect(driver.faults).toEqual([]);
  });

  test('is aborted when the client ends its input in the middle of it', async () => {
    const { driver, calls, handle } = await uploading();
    await driver.send(write(1, handle, 0, Buffer.alloc(BIG)).subarray(0, 1000));
    await driver.session.endOfInput();
    expect(calls.at(-1)).toBe('abort /a');
    expect(driver.answers).toEqual([]);
  });

  test('its answer comes behind those of earlier requests, a slow CLOSE included', async () => {
    const finish = deferred();
    const { driver, handle } = await uploading({ finishWrite: () => finish.promise });
    const other = await driver.open('/b');
    driver.replies.length = 0;
    const bytes = write(2, handle, 0, Buffer.alloc(BIG));
    void driver.send(close(1, other), bytes.subarray(0, 1000));
    await driver.send(bytes.subarray(1000), fstat(3, handle));
    expect(driver.answers).toEqual([]);
    finish.resolve();
    await driver.reply(3);
    expect(driver.answers).toEqual(['1: 0', '2: 0', '3: attrs']);
  });
});

/** WRITEs of all kinds, and how each is answered. */
const requests = fc.array(
  fc.record({
    kind: fc.constantFrom('good', 'unknown', 'far', 'trailing', 'stat'),
    offset: fc.nat({ max: 5000 }),
    length: fc.nat({ max: 3000 }),
    value: fc.nat({ max: 255 }),
  }),
  { minLength: 1, maxLength: 8 },
);

test('however a stream of WRITEs is cut, the file and the answers are the same', async () => {
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(requests, cuts, async (all, fractions) => {
      const packets = all.map(({ kind, offset, length, value }, index) => {
        const bytes = Buffer.alloc(length, value);
        const id = index + 2;
        if (kind === 'good') return write(id, '0', offset, bytes);
        if (kind === 'unknown') return write(id, '9', offset, bytes);
        if (kind === 'far') return packet(6, u32(id), str('9'), u64(2n ** 60n), str(bytes));
        if (kind === 'trailing') return packet(6, u32(id), str('0'), u64(offset), str(bytes), bytes);
        return fstat(id, '0');
      });
      const stream = Buffer.concat([open(1, '/a', UPLOAD), ...packets, close(100, '0')]);
      const at = fractions.map((fraction) => Math.round(fraction * stream.length)).sort((a, b) => a - b);
      const results = await Promise.all(
        [[], at].map(async (positions) => {
          const driver = await SftpDriver.started();
          for (const [index, from] of [0, ...positions].entries()) {
            void driver.send(stream.subarray(from, positions[index] ?? stream.length));
          }
          await driver.reply(100);
          return { answers: driver.answers, content: await contentOf(driver.backend, '/a') };
        }),
      );
      expect(results[1]).toEqual(results[0]);
    }),
    { numRuns: 200 },
  );
});
