import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { faultsOf } from '../../bench/scenarios/arrivals.ts';
import { countFailures } from '../../bench/scenarios/concurrent.ts';
import { encodeCrc32 } from '../support/strict-s3/checksums.ts';

const sent = (name: string, failure?: string) => ({ name, size: 5, crc32: crc32('hello'), failure });
const listed = (key: string, text = 'hello') => ({ key, size: text.length, crc32: encodeCrc32(crc32(text)) });

test('one right object and one job for each upload are no fault', () => {
  const contents = { objects: [listed('a'), listed('b')], jobs: [listed('b'), listed('a')], openUploads: 0 };
  expect(faultsOf([sent('a'), sent('b')], contents)).toEqual([]);
});

test('whatever is wrong, missing or too much is a fault', () => {
  const contents = {
    objects: [
      listed('wrong', 'hullo'),
      { ...listed('unknown'), crc32: null },
      listed('stray'),
      listed('twice'),
    ],
    jobs: [listed('wrong'), listed('unknown'), listed('missing'), listed('twice'), listed('twice', 'x')],
    openUploads: 1,
  };
  expect(
    faultsOf(
      ['wrong', 'unknown', 'missing', 'twice'].map((name) => sent(name)),
      contents,
    ),
  ).toEqual([
    expect.stringMatching(/^wrong: 5 bytes with the CRC32 \S+, not 5 bytes/),
    expect.stringMatching(/^unknown: 5 bytes with the CRC32 \(unknown\), not 5 bytes/),
    'missing: no object',
    'twice: 2 jobs',
    expect.stringMatching(/^twice: a job of 1 bytes/),
    'stray: nobody put it',
    '1 multipart uploads neither completed nor aborted',
  ]);
});

test('an upload that failed must have left nothing', () => {
  expect(faultsOf([sent('a', 'no room')], { objects: [], jobs: [], openUploads: 0 })).toEqual([]);
  const contents = { objects: [listed('a')], jobs: [listed('a')], openUploads: 0 };
  expect(faultsOf([sent('a', 'no room')], contents)).toEqual([
    'a: an object, though the upload failed: no room',
    'a: a job, though the upload failed: no room',
  ]);
});

test('failures are counted by message, the most frequent first', () => {
  const failed = (failure?: string) => ({ name: 'a', crc32: 0, seconds: 1, ...(failure ? { failure } : {}) });
  expect(countFailures([failed('x'), failed(), failed('y'), failed('y')])).toEqual([
    { message: 'y', count: 2 },
    { message: 'x', count: 1 },
  ]);
});

test('of a server that sends no jobs a job is a fault, and the mark of a folder is none', () => {
  const marks = [listed('in/', ''), listed('in/.keep', '')];
  const objects = [listed('in/a'), ...marks];
  expect(faultsOf([sent('in/a')], { objects, jobs: [], openUploads: 0 }, 0)).toEqual([]);
  expect(faultsOf([sent('in/a')], { objects, jobs: [listed('in/a')], openUploads: 0 }, 0)).toEqual([
    'in/a: 1 jobs',
  ]);
  const empty = [listed('in/a'), listed('in/b', '')];
  expect(faultsOf([sent('in/a')], { objects: empty, jobs: [], openUploads: 0 }, 0)).toEqual([
    'in/b: nobody put it',
  ]);
});
