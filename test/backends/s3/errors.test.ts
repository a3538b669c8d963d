import {
  BucketAlreadyExists,
  NoSuchBucket,
  NoSuchKey,
  NoSuchUpload,
  NotFound,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { isNotFound, toFsError } from '../../../src/backends/s3/errors.ts';
import { FsError, type FsErrorCode } from '../../../src/contract/errors.ts';

function exception(name: string, httpStatusCode: number): S3ServiceException {
  const fault = httpStatusCode < 500 ? 'client' : 'server';
  return new S3ServiceException({ name, $fault: fault, $metadata: { httpStatusCode }, message: 'a detail' });
}

const details = (httpStatusCode: number) => ({ $metadata: { httpStatusCode }, message: 'a detail' });

const named = (name: string) => Object.assign(new Error('a detail'), { name });

const TRANSLATIONS: readonly (readonly [string, unknown, FsErrorCode])[] = [
  ['NoSuchKey', new NoSuchKey(details(404)), 'ENOENT'],
  ['NotFound, of a HEAD', new NotFound(details(404)), 'ENOENT'],
  ['a 404 without a name', exception('UnknownError', 404), 'ENOENT'],
  ['NoSuchBucket', new NoSuchBucket(details(404)), 'EIO'],
  ['NoSuchUpload', new NoSuchUpload(details(404)), 'EIO'],
  ['AccessDenied', exception('AccessDenied', 403), 'EACCES'],
  ['Forbidden, of a HEAD', exception('Forbidden', 403), 'EACCES'],
  ['a 403 of any name', exception('InvalidAccessKeyId', 403), 'EACCES'],
  ['AllAccessDisabled', exception('AllAccessDisabled', 403), 'EACCES'],
  ['PreconditionFailed', exception('PreconditionFailed', 412), 'ESTALE'],
  ['a 412 without a name', exception('412', 412), 'ESTALE'],
  ['ConditionalRequestConflict', exception('ConditionalRequestConflict', 409), 'EBUSY'],
  ['EntityTooLarge', exception('EntityTooLarge', 400), 'EFBIG'],
  ['KeyTooLongError', exception('KeyTooLongError', 400), 'ENAMETOOLONG'],
  ['RequestTimeout', exception('RequestTimeout', 400), 'ETIMEDOUT'],
  ['TimeoutError, of the client', named('TimeoutError'), 'ETIMEDOUT'],
  ['SlowDown', exception('SlowDown', 503), 'EIO'],
  ['InternalError', exception('InternalError', 500), 'EIO'],
  ['BucketAlreadyExists', new BucketAlreadyExists(details(409)), 'EIO'],
  ['BadDigest', exception('BadDigest', 400), 'EIO'],
  ['a connection that was cut', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }), 'EIO'],
  ['AbortError', named('AbortError'), 'EIO'],
  ['an error of no kind', new Error('no'), 'EIO'],
  ['a string', 'no', 'EIO'],
  ['undefined', undefined, 'EIO'],
];

describe('toFsError', () => {
  test.each(TRANSLATIONS)('%s', (_, error, code) => {
    const translated = toFsError(error, 'beginWrite', '/a');
    expect(translated).toBeInstanceOf(FsError);
    expect(translated).toMatchObject({ code, operation: 'beginWrite', path: '/a' });
    expect(translated.cause).toBe(error);
  });

  test('an FsError stays the one it is', () => {
    const error = new FsError('ENOTEMPTY', 'no', { operation: 'delDir', path: '/d' });
    expect(toFsError(error, 'other', '/other')).toBe(error);
  });

  test('says what was attempted, and nothing that S3 said', () => {
    const { message } = toFsError(exception('AccessDenied', 403), 'listDir', '/a');
    expect(message).toBe('EACCES: S3 listDir: AccessDenied');
  });
});

describe('isNotFound', () => {
  test.each([new NoSuchKey(details(404)), new NotFound(details(404)), new NoSuchUpload(details(404))])(
    '%s says that the thing itself is not there',
    (error) => {
      expect(isNotFound(error)).toBe(true);
    },
  );

  test.each([new NoSuchBucket(details(404)), exception('AccessDenied', 403), new Error('404'), undefined])(
    '%s does not',
    (error) => {
      expect(isNotFound(error)).toBe(false);
    },
  );
});
