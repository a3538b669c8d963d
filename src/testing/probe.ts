import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import type { Upload, WriteOptions } from '../contract/backend.ts';
import { FsError, type FsErrorCode } from '../contract/errors.ts';
import type { DirectoryEntry, StoredFile } from '../contract/types.ts';
import type { ConformanceSubject } from './subject.ts';

/** O_WRONLY | O_CREAT | O_TRUNC: what clients send to put a file. */
export const REPLACE: WriteOptions = { create: true, exclusive: false, truncate: true, append: false };
/** O_WRONLY | O_CREAT. */
export const UPDATE: WriteOptions = { create: true, exclusive: false, truncate: false, append: false };
/** O_WRONLY | O_CREAT | O_APPEND. */
export const APPEND: WriteOptions = { create: true, exclusive: false, truncate: false, append: true };
/** O_WRONLY | O_CREAT | O_EXCL. */
export const EXCLUSIVE: WriteOptions = { create: true, exclusive: true, truncate: false, append: false };

/** Bytes for an offset. */
export type Write = readonly [offset: number, bytes: Uint8Array];

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Bytes without a pattern that a misplaced chunk could hide in; the same for the same seed. */
export function noise(length: number, seed = 1): Uint8Array {
  const random = createRandom(seed);
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let index = 0; index < words.length; index += 1) words[index] = random() * 2 ** 32;
  return new Uint8Array(words.buffer, 0, length);
}

/** The pieces of `bytes`, in order. */
export function inChunks(bytes: Uint8Array, chunkSize: number): Write[] {
  const writes: Write[] = [];
  for (let offset = 0; offset < bytes.length; offset += chunkSize) {
    writes.push([offset, bytes.subarray(offset, offset + chunkSize)]);
  }
  return writes;
}

/** Writes as the protocol room does: from a buffer that it fills with something else as soon as it may. */
export async function put(upload: Upload, offset: number, bytes: Uint8Array): Promise<void> {
  const lent = Buffer.allocUnsafe(bytes.length);
  lent.set(bytes);
  const waiting = upload.writeChunk(offset, lent);
  if (upload.takesAtOnce === true) lent.fill(0xee);
  await waiting;
  lent.fill(0xee);
}

/** An upload to `/file`, from nothing. */
export function begin({ backend, context }: ConformanceSubject): Promise<Upload> {
  return backend.beginWrite(context, '/file', REPLACE);
}

/** One whole upload; aborted when anything in it fails. */
export async function send(
  { backend, context }: ConformanceSubject,
  path: string,
  writes: readonly Write[],
  options: WriteOptions = REPLACE,
): Promise<StoredFile> {
  const upload = await backend.beginWrite(context, path, options);
  try {
    for (const [offset, bytes] of writes) await put(upload, offset, bytes);
  } catch (error) {
    await upload.abortWrite();
    throw error;
  }
  return upload.finishWrite();
}

/** Asserts that `action` rejects (or throws) an FsError with the code, or one of the codes. */
export async function assertRejects(
  expected: FsErrorCode | readonly FsErrorCode[],
  action: () => unknown,
): Promise<void> {
  const codes: readonly string[] = typeof expected === 'string' ? [expected] : expected;
  let outcome: unknown;
  try {
    await action();
  } catch (error) {
    assert.ok(error instanceof FsError, `rejected something other than an FsError: ${String(error)}`);
    assert.ok(codes.includes(error.code), `rejected ${error.code} instead of ${codes.join(' or ')}`);
    outcome = error;
  }
  assert.ok(outcome !== undefined, `resolved instead of rejecting ${codes.join(' or ')}`);
}

/** Says where bytes differ: a plain deepEqual prints megabytes. */
export function assertBytes(actual: Uint8Array, expected: Uint8Array, what = 'the content'): void {
  assert.equal(actual.length, expected.length, `length of ${what}`);
  if (Buffer.compare(actual, expected) === 0) return;
  const at = expected.findIndex((byte, index) => byte !== actual[index]);
  assert.fail(`${what} differs from byte ${at} on: ${actual[at]} instead of ${expected[at]}`);
}

/** Asserts what the file holds, by its content and by its attributes. */
export async function assertFile(
  { backend, context }: ConformanceSubject,
  path: string,
  expected: Uint8Array,
): Promise<void> {
  assertBytes(await backend.readFile(context, path), expected, path);
  const info = await backend.fileInfo(context, path);
  assert.equal(info.type, 'file', `type of ${path}`);
  assert.equal(info.size, expected.length, `size of ${path} in fileInfo`);
}

export async function assertDirectory({ backend, context }: ConformanceSubject, path: string): Promise<void> {
  assert.equal((await backend.fileInfo(context, path)).type, 'directory', `type of ${path}`);
}

/** Asserts that nothing is at `path`, whichever way one asks. */
export async function assertMissing(subject: ConformanceSubject, path: string): Promise<void> {
  const { backend, context } = subject;
  await assertRejects('ENOENT', () => backend.fileInfo(context, path));
  await assertRejects('ENOENT', () => backend.readFile(context, path));
  await assertRejects('ENOENT', () => listEntries(subject, path));
}

export async function listEntries(
  { backend, context }: ConformanceSubject,
  path: string,
): Promise<DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  for await (const page of backend.listDir(context, path)) entries.push(...page);
  return entries;
}

export async function assertNames(
  subject: ConformanceSubject,
  path: string,
  expected: readonly string[],
): Promise<void> {
  const names = (await listEntries(subject, path)).map((entry) => entry.name);
  assert.deepEqual(names.sort(), [...expected].sort(), `names in ${path}`);
}

/** As S3 writes it: big-endian, in base64. */
export function crc32Base64(bytes: Uint8Array): string {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(bytes));
  return checksum.toString('base64');
}
