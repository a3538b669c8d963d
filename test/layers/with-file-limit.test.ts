import { describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { withFileLimit } from '../../src/layers/with-file-limit.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { SftpDriver, watchUploads } from '../support/sftp-driver.ts';
import {
  close,
  extended,
  Flag,
  fsetstat,
  setstat,
  sizeAttribute,
  str,
  u64,
  write,
} from '../support/sftp-packets.ts';

const LIMIT = 10;
const FAILURE = 4;
const unlimited = createTestContext();

async function createLimited(before?: string) {
  const memory = createMemoryBackend();
  if (before !== undefined) await memory.writeFile(unlimited, '/a', Buffer.from(before));
  const limits = { fileBytes: LIMIT };
  const driver = await SftpDriver.started({ backend: withFileLimit(memory), principal: { limits } });
  const content = async (path = '/a') =>
    await memory.readFile(unlimited, path).then(
      (bytes) => Buffer.from(bytes).toString(),
      () => undefined,
    );
  return { memory, driver, content };
}

describe('a file as large as the limit', () => {
  test('is stored', async () => {
    const { driver, content } = await createLimited();
    const handle = await driver.open('/a');
    expect(await driver.code((id) => write(id, handle, 0, '0123456789'))).toBe(0);
    expect(await driver.code((id) => close(id, handle))).toBe(0);
    expect(await content()).toBe('0123456789');
  });
});

describe('a larger one is refused at once, its CLOSE is not OK, and what was there stays', () => {
  test('by a write past it', async () => {
    const { driver, content } = await createLimited('before');
    const handle = await driver.open('/a');
    const reply = await driver.expect('status', (id) => write(id, handle, 0, '0123456789x'));
    expect(reply).toMatchObject({ code: FAILURE, message: 'The file is too large' });
    expect(await driver.code((id) => close(id, handle))).toBe(FAILURE);
    expect(await content()).toBe('before');
  });

  test('by a write far behind its end', async () => {
    const { driver, content } = await createLimited();
    const handle = await driver.open('/a');
    expect(await driver.code((id) => write(id, handle, 2 ** 40, 'x'))).toBe(FAILURE);
    expect(await driver.code((id) => close(id, handle))).toBe(FAILURE);
    expect(await content()).toBeUndefined();
  });

  test('by a write that appends, whatever its offset', async () => {
    const { driver, content } = await createLimited('012345678');
    const handle = await driver.open('/a', Flag.WRITE | Flag.APPEND);
    expect(await driver.code((id) => write(id, handle, 0, '9'))).toBe(0);
    expect(await driver.code((id) => write(id, handle, 0, 'x'))).toBe(FAILURE);
    expect(await driver.code((id) => close(id, handle))).toBe(FAILURE);
    expect(await content()).toBe('012345678');
  });

  test('by a write that resumes', async () => {
    const { driver, content } = await createLimited('012345678');
    const handle = await driver.open('/a', Flag.WRITE);
    expect(await driver.code((id) => write(id, handle, 9, '9x'))).toBe(FAILURE);
    expect(await driver.code((id) => close(id, handle))).toBe(FAILURE);
    expect(await content()).toBe('012345678');
  });

  test('by a size that is set', async () => {
    const { driver, content } = await createLimited('before');
    const handle = await driver.open('/a');
    expect(await driver.code((id) => fsetstat(id, handle, sizeAttribute(LIMIT + 1)))).toBe(FAILURE);
    expect(await driver.code((id) => close(id, handle))).toBe(FAILURE);
    expect(await driver.code((id) => setstat(id, '/a', sizeAttribute(LIMIT + 1)))).toBe(FAILURE);
    expect(await content()).toBe('before');
    expect(await driver.code((id) => setstat(id, '/a', sizeAttribute(LIMIT)))).toBe(0);
  });

  test('by copy-data', async () => {
    const { driver, memory, content } = await createLimited();
    await memory.writeFile(unlimited, '/large', Buffer.from('0123456789x'));
    const source = await driver.open('/large', Flag.READ);
    const target = await driver.open('/a');
    const copied = await driver.code((id) =>
      extended(id, 'copy-data', str(source), u64(0), u64(0), str(target), u64(0)),
    );
    expect(copied).toBe(FAILURE);
    expect(await driver.code((id) => close(id, target))).toBe(FAILURE);
    expect(await content()).toBeUndefined();
  });

  test('as a whole', async () => {
    const { memory } = await createLimited();
    const limited = withFileLimit(memory);
    const context = createTestContext({ principal: { limits: { fileBytes: LIMIT } } });
    const writing = limited.writeFile(context, '/a', Buffer.alloc(LIMIT + 1));
    await expect(writing).rejects.toMatchObject({ code: 'EFBIG', operation: 'writeFile' });
    await limited.writeFile(context, '/a', Buffer.alloc(LIMIT));
  });
});

describe('a file that is larger already', () => {
  const large = '0123456789abcdef';

  test('is not changed within the limit', async () => {
    const { driver, content } = await createLimited(large);
    const handle = await driver.open('/a', Flag.WRITE);
    expect(await driver.code((id) => write(id, handle, 0, 'x'))).toBe(0);
    expect(await driver.code((id) => close(id, handle))).toBe(FAILURE);
    expect(await content()).toBe(large);
  });

  test('leaves nothing of the upload that is refused at its end', async () => {
    const { backend, calls } = watchUploads();
    await backend.writeFile(unlimited, '/a', Buffer.from(large));
    const context = createTestContext({ principal: { limits: { fileBytes: LIMIT } } });
    const options = { create: false, exclusive: false, truncate: false, append: false };
    const upload = await withFileLimit(backend).beginWrite(context, '/a', options);
    await expect(upload.finishWrite()).rejects.toMatchObject({ code: 'EFBIG' });
    expect(calls).toEqual(['begin /a', 'abort /a']);
  });

  test('may be made shorter', async () => {
    const { driver, content } = await createLimited(large);
    expect(await driver.code((id) => setstat(id, '/a', sizeAttribute(LIMIT - 1)))).toBe(0);
    expect(await content()).toBe(large.slice(0, LIMIT - 1));
  });
});

test('who has no limit stores what they like', async () => {
  const memory = createMemoryBackend();
  const driver = await SftpDriver.started({ backend: withFileLimit(memory) });
  const handle = await driver.open('/a');
  expect(await driver.code((id) => write(id, handle, 1_000_000, 'x'))).toBe(0);
  expect(await driver.code((id) => close(id, handle))).toBe(0);
});
