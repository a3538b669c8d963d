import { readFile } from 'node:fs/promises';
import {
  BucketAlreadyExists,
  NoSuchBucket,
  NoSuchKey,
  NoSuchUpload,
  NotFound,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import {
  BY_CODE,
  BY_CONNECTION,
  BY_STATUS,
  isNotFound,
  type S3Failure,
  toFsError,
} from '../../../src/backends/s3/errors.ts';
import { FsError, type FsErrorCode } from '../../../src/contract/errors.ts';

function exception(name: string, httpStatusCode: number): S3ServiceException {
  const fault = httpStatusCode < 500 ? 'client' : 'server';
  return new S3ServiceException({ name, $fault: fault, $metadata: { httpStatusCode }, message: 'a detail' });
}

const details = (httpStatusCode: number) => ({ $metadata: { httpStatusCode }, message: 'a detail' });

const named = (name: string) => Object.assign(new Error('a detail'), { name });
/** As the SDK passes on what Node says, under a name of its own for some. */
const cut = (code: string, name = 'Error') => Object.assign(new Error('a detail'), { name, code });

const TRANSLATIONS: readonly (readonly [string, unknown, FsErrorCode])[] = [
  ['NoSuchKey', new NoSuchKey(details(404)), 'ENOENT'],
  ['NotFound, of a HEAD', new NotFound(details(404)), 'ENOENT'],
  ['a 404 without a name', exception('UnknownError', 404), 'ENOENT'],
  ['NoSuchBucket', new NoSuchBucket(details(404)), 'EIO'],
  ['NoSuchUpload', new NoSuchUpload(details(404)), 'EIO'],
  ['AccessDenied', exception('AccessDenied', 403), 'EACCES'],
  ['Forbidden, of a HEAD', exception('Forbidden', 403), 'EACCES'],
  ['a 403 of an unknown name', exception('KMS.DisabledException', 403), 'EACCES'],
  ['AllAccessDisabled', exception('AllAccessDisabled', 403), 'EACCES'],
  ['InvalidObjectState, of an archived object', exception('InvalidObjectState', 403), 'EACCES'],
  ['InvalidAccessKeyId', exception('InvalidAccessKeyId', 403), 'EIO'],
  ['SignatureDoesNotMatch', exception('SignatureDoesNotMatch', 403), 'EIO'],
  ['RequestTimeTooSkewed', exception('RequestTimeTooSkewed', 403), 'EIO'],
  ['ExpiredToken', exception('ExpiredToken', 400), 'EIO'],
  ['QuotaExceeded', exception('QuotaExceeded', 403), 'EDQUOT'],
  ['XMinioStorageFull', exception('XMinioStorageFull', 507), 'ENOSPC'],
  ['a 507 without a name', exception('507', 507), 'ENOSPC'],
  ['PreconditionFailed', exception('PreconditionFailed', 412), 'ESTALE'],
  ['a 412 without a name', exception('412', 412), 'ESTALE'],
  ['ConditionalRequestConflict', exception('ConditionalRequestConflict', 409), 'EBUSY'],
  ['OperationAborted', exception('OperationAborted', 409), 'EBUSY'],
  ['InvalidRange', exception('InvalidRange', 416), 'EINVAL'],
  ['MethodNotAllowed', exception('MethodNotAllowed', 405), 'ENOTSUP'],
  ['NotImplemented', exception('NotImplemented', 501), 'ENOTSUP'],
  ['EntityTooLarge', exception('EntityTooLarge', 400), 'EFBIG'],
  ['EntityTooSmall', exception('EntityTooSmall', 400), 'EIO'],
  ['KeyTooLongError', exception('KeyTooLongError', 400), 'ENAMETOOLONG'],
  ['RequestTimeout', exception('RequestTimeout', 400), 'ETIMEDOUT'],
  ['a 504 without a name', exception('504', 504), 'ETIMEDOUT'],
  ['SlowDown', exception('SlowDown', 503), 'EIO'],
  ['a 429 without a name', exception('429', 429), 'EIO'],
  ['InternalError', exception('InternalError', 500), 'EIO'],
  ['AccessDenied inside a 200, which the SDK calls a 503', exception('AccessDenied', 503), 'EACCES'],
  ['BucketAlreadyExists', new BucketAlreadyExists(details(409)), 'EIO'],
  ['BadDigest', exception('BadDigest', 400), 'EIO'],
  ['a code that is a name of every object', exception('constructor', 400), 'EIO'],
  ['a connection that was cut', cut('ECONNRESET'), 'EIO'],
  ['a connection that was cut, as the SDK names it', cut('ECONNRESET', 'TimeoutError'), 'EIO'],
  ['a broken pipe, as the SDK names it', cut('EPIPE', 'TimeoutError'), 'EIO'],
  ['a connection that was refused', cut('ECONNREFUSED'), 'EIO'],
  ['a host that is not known', cut('ENOTFOUND'), 'EIO'],
  ['a time-out of Node', cut('ETIMEDOUT', 'TimeoutError'), 'ETIMEDOUT'],
  ['a time-out of the SDK', named('TimeoutError'), 'ETIMEDOUT'],
  ['AbortError', named('AbortError'), 'ECANCELED'],
  ['credentials that cannot be found', named('CredentialsProviderError'), 'EIO'],
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

test('docs/errors.md has the very tables that S3 is translated by', async () => {
  const again = { yes: 'yes', backoff: 'with wide pauses', no: 'no', skew: 'when the clock is set' };
  const rows = (kind: string, table: Readonly<Record<string, S3Failure>>) =>
    Object.entries(table).map(
      ([name, failure]) => `| ${kind} | \`${name}\` | \`${failure.code}\` | ${again[failure.again]} |`,
    );
  const documented = (await readFile('docs/errors.md', 'utf8')).split('\n');
  expect(documented.filter((line) => /^\| (code|status|connection) \|/.test(line))).toEqual([
    ...rows('code', BY_CODE),
    ...rows('status', Object.fromEntries(Object.entries(BY_STATUS))),
    ...rows('connection', BY_CONNECTION),
  ]);
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
