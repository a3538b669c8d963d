import { describe, expect, test } from 'vitest';
import { FS_ERROR_CODES, FsError, type FsErrorCode } from '../../src/contract/errors.ts';
import { STATUS_OF } from '../../src/sftp/status.ts';
import { createFaultPlan, withFaults } from '../../src/testing/index.ts';
import { contentOf, SftpDriver, watchUploads } from '../support/sftp-driver.ts';
import {
  close,
  extended,
  Flag,
  fsetstat,
  hex,
  opendir,
  packet,
  read,
  rename,
  sizeAttribute,
  stat,
  str,
  u32,
  write,
} from '../support/sftp-packets.ts';

const SECRET = 'arn:aws:s3:::secret-bucket/key';

/** The status of each code as house and draft have it; a new code is a failure until it is entered here. */
const STATUS: Readonly<Record<FsErrorCode, number>> = {
  EACCES: 3,
  EAGAIN: 4,
  EBADF: 4,
  EBUSY: 4,
  ECANCELED: 4,
  EDQUOT: 4,
  EEXIST: 4,
  EFBIG: 4,
  EINVAL: 4,
  EIO: 4,
  EISDIR: 4,
  EMFILE: 4,
  ENAMETOOLONG: 4,
  ENOENT: 2,
  ENOSPC: 4,
  ENOTDIR: 2,
  ENOTEMPTY: 4,
  ENOTSUP: 8,
  EPERM: 3,
  EROFS: 3,
  ESTALE: 4,
  ETIMEDOUT: 4,
  EXDEV: 4,
};

/** A session whose backend throws `error` when asked about any path. */
async function withFailing(error: unknown): Promise<SftpDriver> {
  const plan = createFaultPlan();
  plan.fault({ operation: 'fileInfo', throws: error });
  return await SftpDriver.started({ backend: withFaults(watchUploads().backend, plan) });
}

describe('what a client hears of an error', () => {
  test.each(FS_ERROR_CODES)('%s is its status and its sentence, and nothing of the message', async (code) => {
    const driver = await withFailing(new FsError(code, SECRET, { cause: new Error(SECRET) }));
    const reply = await driver.expect('status', (id) => stat(id, '/a'));
    expect(reply.code).toBe(STATUS[code]);
    expect(reply.message).toBe(STATUS_OF[code][1]);
    expect(reply.message).not.toMatch(new RegExp(`${SECRET}|${code}`));
  });

  test('every code has a sentence of its own, short and without a name in it', () => {
    const sentences = FS_ERROR_CODES.map((code) => STATUS_OF[code][1]);
    expect(new Set(sentences).size).toBe(sentences.length);
    for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z][a-z]*([ ;-][a-zA-Z;-]+)+$/);
  });

  test.each([
    ['an Error', new Error(SECRET)],
    ['a TypeError', new TypeError(SECRET)],
    ['a string', SECRET],
    ['undefined', undefined],
    ['null', null],
    ['something that pretends', { name: 'FsError', code: 'ENOENT', message: SECRET }],
  ])('%s that the backend throws is FAILURE, logged and not told', async (_, error) => {
    const driver = await withFailing(error);
    const reply = await driver.expect('status', (id) => stat(id, '/a'));
    expect(reply).toMatchObject({ code: 4, message: STATUS_OF.EIO[1] });
    expect(driver.faults).toEqual([{ error, request: 'stat' }]);
    expect(driver.closed).toEqual([]);
  });

  test('EIO is logged with its cause, an ordinary answer is not', async () => {
    const error = new FsError('EIO', SECRET, { cause: new Error('socket hang up') });
    const failing = await withFailing(error);
    await failing.code((id) => stat(id, '/a'));
    expect(failing.faults).toEqual([{ error, request: 'stat' }]);
    const missing = await withFailing(new FsError('ENOENT', 'no such file'));
    await missing.code((id) => stat(id, '/a'));
    expect(missing.faults).toEqual([]);
  });

  test('a backend that throws instead of rejecting makes no difference', async () => {
    const { backend } = watchUploads();
    const driver = await SftpDriver.started({
      backend: {
        ...backend,
        listDir: () => {
          throw new Error(SECRET);
        },
      },
    });
    expect(await driver.code((id) => opendir(id, '/'))).toBe(4);
    expect(await driver.expect('attrs', (id) => stat(id, '/'))).toBeDefined();
  });
});

/** A session whose upload of /a answers its second write with `refusal`. */
async function withRefusal(refusal: () => Promise<void> | void) {
  let writes = 0;
  const { backend, calls } = watchUploads({ writeChunk: () => (++writes === 2 ? refusal() : undefined) });
  const driver = await SftpDriver.started({ backend });
  const handle = await driver.open('/a');
  expect(await driver.code((id) => write(id, handle, 0, 'ab'))).toBe(0);
  return { driver, backend, calls, handle };
}

const REFUSALS: readonly (readonly [string, () => Promise<void> | void])[] = [
  [
    'throws',
    () => {
      throw new FsError('ENOTSUP', 'out of order');
    },
  ],
  ['rejects', () => Promise.reject(new FsError('ENOTSUP', 'out of order'))],
];

describe('a WRITE that the upload refuses', () => {
  test.each(REFUSALS)(
    'spoils the upload when it %s: later writes and CLOSE fail with it',
    async (_, refusal) => {
      const { driver, backend, calls, handle } = await withRefusal(refusal);
      expect(await driver.code((id) => write(id, handle, 2, 'cd'))).toBe(8);
      expect(await driver.code((id) => write(id, handle, 4, 'ef'))).toBe(8);
      expect(await driver.code((id) => extended(id, 'fsync@openssh.com', str(handle)))).toBe(8);
      expect(await driver.code((id) => fsetstat(id, handle, sizeAttribute(2)))).toBe(8);
      expect(calls.slice(1)).toEqual(['write 0+2', 'write 2+2']);
      expect(await driver.code((id) => close(id, handle))).toBe(8);
      expect(calls.slice(3)).toEqual(['abort /a']);
      expect(await contentOf(backend, '/a')).toBeUndefined();
    },
  );

  test('of which a first slice was taken already, spoils it too', async () => {
    const { driver, calls, handle } = await withRefusal(() => {
      throw new FsError('EFBIG', 'too large');
    });
    const bytes = write(1, handle, 2, 'x'.repeat(900));
    await driver.send(bytes.subarray(0, 600));
    await driver.send(bytes.subarray(600));
    expect(await driver.reply(1)).toMatchObject({ code: 4, message: STATUS_OF.EFBIG[1] });
    expect(await driver.code((id) => close(id, handle))).toBe(4);
    expect(calls.at(-1)).toBe('abort /a');
  });

  test('leaves an older file as it was', async () => {
    const { driver, backend } = await withRefusal(REFUSALS[0]?.[1] ?? (() => undefined));
    const first = await driver.open('/b');
    await driver.code((id) => close(id, first));
    expect(await contentOf(backend, '/b')).toBe('');
    const {
      driver: second,
      backend: store,
      handle,
    } = await withRefusal(REFUSALS[1]?.[1] ?? (() => undefined));
    const memory = await second.open('/a');
    await second.code((id) => close(id, memory));
    await second.code((id) => write(id, handle, 2, 'cd'));
    await second.code((id) => close(id, handle));
    expect(await contentOf(store, '/a')).toBe('');
  });

  test('and is pipelined with the CLOSE, answers both so', async () => {
    const { driver, calls, handle } = await withRefusal(REFUSALS[1]?.[1] ?? (() => undefined));
    driver.replies.length = 0;
    await driver.send(write(1, handle, 2, 'cd'), write(2, handle, 4, 'ef'), close(3, handle));
    await driver.reply(3);
    expect(driver.answers).toEqual(['1: 8', '2: 8', '3: 8']);
    expect(calls.slice(1)).toEqual(['write 0+2', 'write 2+2', 'abort /a']);
  });

  test('an FSETSTAT of a size that it refuses spoils it too', async () => {
    const { backend, calls } = watchUploads();
    const plan = createFaultPlan();
    plan.fault({ operation: 'setSize', fail: 'ENOTSUP' });
    const driver = await SftpDriver.started({ backend: withFaults(backend, plan) });
    const handle = await driver.open('/a');
    expect(await driver.code((id) => fsetstat(id, handle, sizeAttribute(1)))).toBe(8);
    expect(await driver.code((id) => write(id, handle, 0, 'x'))).toBe(8);
    expect(await driver.code((id) => close(id, handle))).toBe(8);
    expect(calls).toEqual(['begin /a', 'abort /a']);
  });

  test('a finishWrite that rejects is the answer to CLOSE', async () => {
    const { backend } = watchUploads({
      finishWrite: async () => {
        throw new FsError('ETIMEDOUT', SECRET);
      },
    });
    const driver = await SftpDriver.started({ backend });
    const handle = await driver.open('/a');
    const reply = await driver.expect('status', (id) => close(id, handle));
    expect(reply).toMatchObject({ code: 4, message: STATUS_OF.ETIMEDOUT[1] });
    expect(await driver.code((id) => close(id, handle))).toBe(4);
    expect(driver.session.uploads).toBe(0);
  });
});

describe('a request that cannot be read', () => {
  test.each([
    ['a name that is not UTF-8', packet(17, u32(1), str(hex('80')))],
    ['a field past the end', packet(17, u32(1), u32(50), Buffer.from('/a'))],
    ['unknown attribute flags', packet(9, u32(1), str('/'), u32(0x10))],
    ['an offset past 2^53', packet(5, u32(1), str('0'), hex('0020000000000000'), u32(1))],
    ['a payload that is not all there', packet(6, u32(1), str('0'), hex('0000000000000000 00000009'))],
  ])('%s is BAD_MESSAGE with its id, and the session goes on', async (_, bytes) => {
    const driver = await SftpDriver.started();
    await driver.send(stat(0, '/'), bytes, stat(2, '/'));
    expect(driver.answers).toEqual(['0: attrs', '1: 5', '2: attrs']);
    expect(driver.replies[1]).toMatchObject({ message: 'The request is malformed' });
    expect(driver.faults).toEqual([]);
  });

  test('a path with NUL, and a name that is too long, are no malformed requests but failures', async () => {
    const driver = await SftpDriver.started();
    expect(await driver.expect('status', (id) => stat(id, '/a\0b'))).toMatchObject({
      code: 4,
      message: STATUS_OF.EINVAL[1],
    });
    expect(await driver.expect('status', (id) => stat(id, `/${'x'.repeat(256)}`))).toMatchObject({
      code: 4,
      message: STATUS_OF.ENAMETOOLONG[1],
    });
  });

  test.each([
    [
      'an offset past 2^53',
      (handle: string) => packet(6, u32(1), str(handle), hex('0020000000000000'), str('x')),
    ],
    [
      'a payload cut short',
      (handle: string) => packet(6, u32(1), str(handle), hex('0000000000000000 00000009 78')),
    ],
  ])('a CLOSE is not OK after a WRITE with %s was refused', async (_, malformed) => {
    const { backend, calls } = watchUploads();
    const driver = await SftpDriver.started({ backend });
    const handle = await driver.open('/a');
    await driver.send(malformed(handle), close(2, handle));
    await driver.reply(2);
    expect(driver.answers[1]).toBe('1: 5');
    expect(driver.answers[2]).not.toBe('2: 0');
    expect(calls).toEqual(['begin /a', 'abort /a']);
    expect(await contentOf(backend, '/a')).toBeUndefined();
  });
});

test('a request on a read handle fails alone: others of the session go on', async () => {
  const plan = createFaultPlan();
  plan.fault({ operation: 'readFileRange', throws: new FsError('ESTALE', SECRET) });
  const driver = await SftpDriver.started({ backend: withFaults(watchUploads().backend, plan) });
  const upload = await driver.open('/a');
  await driver.code((id) => write(id, upload, 0, 'x'));
  await driver.code((id) => close(id, upload));
  const handle = await driver.open('/a', Flag.READ);
  const reply = await driver.expect('status', (id) => read(id, handle, 0, 1));
  expect(reply).toMatchObject({ code: 4, message: STATUS_OF.ESTALE[1] });
  expect(await driver.code((id) => rename(id, '/a', '/b'))).toBe(0);
  expect(await driver.code((id) => close(id, handle))).toBe(0);
});
