import { expect, test } from 'vitest';
import { toFsError } from '../../../src/backends/folder/errors.ts';
import { FS_ERROR_CODES, FsError } from '../../../src/contract/errors.ts';

const failure = (code: string) => Object.assign(new Error(`${code}: open '/proc/self/fd/7/file'`), { code });

test.each([...FS_ERROR_CODES])('%s is itself', (code) => {
  expect(toFsError(failure(code), 'readFile', '/file').code).toBe(code);
});

test.each([
  ['ELOOP', 'EACCES'],
  ['ENXIO', 'EACCES'],
  ['ENFILE', 'EMFILE'],
  ['ETXTBSY', 'EBUSY'],
  ['EMLINK', 'EIO'],
  ['ERR_INVALID_ARG_VALUE', 'EIO'],
])('%s is %s', (errno, code) => {
  expect(toFsError(failure(errno), 'readFile', '/file').code).toBe(code);
});

test('what has no code is EIO', () => {
  expect(toFsError('thrown', 'readFile', '/file').code).toBe('EIO');
});

test('names what was done to which path of the client, and no path of this machine', () => {
  const cause = failure('ENOSPC');
  const error = toFsError(cause, 'writeChunk', '/file');
  expect(error).toMatchObject({ operation: 'writeChunk', path: '/file', cause });
  expect(error.message).not.toContain('/proc');
});

test('an error of the contract stays as it is', () => {
  const error = new FsError('ESTALE', 'the file was replaced');
  expect(toFsError(error, 'readFile', '/file')).toBe(error);
});
