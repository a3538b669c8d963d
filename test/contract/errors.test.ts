import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { FS_ERROR_CODES, FsError, toFsErrorCode } from '../../src/contract/errors.ts';

describe('FsError', () => {
  test('carries its code, what was attempted, the path and the error underneath', () => {
    const cause = new Error('socket hang up');
    const error = new FsError('EIO', 'the store failed', { operation: 'readFile', path: '/file', cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'FsError',
      code: 'EIO',
      operation: 'readFile',
      path: '/file',
      cause,
    });
    expect(error.message).toBe('EIO: the store failed');
  });

  test('needs nothing but a code and a message', () => {
    const error = new FsError('ENOENT', 'nothing here');
    expect(error.operation).toBeUndefined();
    expect(error.path).toBeUndefined();
    expect('cause' in error).toBe(false);
  });

  test.each(FS_ERROR_CODES)('%s is a code of the operating system', (code) => {
    expect(constants.errno).toHaveProperty(code);
  });

  test('no code is listed twice', () => {
    expect(new Set(FS_ERROR_CODES).size).toBe(FS_ERROR_CODES.length);
  });
});

describe('toFsErrorCode', () => {
  test.each(FS_ERROR_CODES)('gives %s of an FsError', (code) => {
    expect(toFsErrorCode(new FsError(code, 'failed'))).toBe(code);
  });

  test.each([
    ['an Error', new Error('ENOENT')],
    ['an error of node with a code', Object.assign(new Error('no'), { code: 'ENOENT' })],
    ['a string', 'ENOENT'],
    ['nothing', undefined],
    ['null', null],
    ['an object that looks like one', { name: 'FsError', code: 'ENOENT' }],
  ])('takes %s for EIO', (_what, thrown) => {
    expect(toFsErrorCode(thrown)).toBe('EIO');
  });
});
