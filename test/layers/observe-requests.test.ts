import { ProxyTracerProvider } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-node';
import { describe, expect, test } from 'vitest';
import { FsError } from '../../src/contract/errors.ts';
import { observeRequests } from '../../src/layers/observe-requests.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { collectLog } from '../support/collect-log.ts';

const { principal, connection } = createTestContext();
const who = { user: 'tester', sessionId: 'test-connection', sourceIp: '192.0.2.1' };
const ok = async () => undefined;

function create(tracer = new BasicTracerProvider().getTracer('test')) {
  const { log, lines } = collectLog();
  return { observer: observeRequests(tracer, log)(principal, connection), lines };
}

describe('a request that changes or lists something', () => {
  test.each([
    ['remove', 'DELETE'],
    ['mkdir', 'MKDIR'],
    ['rmdir', 'RMDIR'],
    ['opendir', 'LIST'],
    ['setstat', 'SETSTAT'],
  ])('%s has a line: who, from where, what, and its trace', async (operation, activityType) => {
    const { observer, lines } = create();
    await observer.request(operation, '/a', ok);
    expect(lines).toEqual([
      {
        level: 'info',
        message: operation,
        fields: {
          activityType,
          ...who,
          path: '/a',
          result: 'ok',
          traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
          spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
        },
      },
    ]);
  });

  test('and names two paths has both', async () => {
    const { observer, lines } = create();
    await observer.request('rename', '/a', ok, '/b');
    expect(lines[0]?.fields).toMatchObject({ activityType: 'RENAME', path: '/a', targetPath: '/b' });
  });

  test('and fails has a line with the code, and the error reaches the caller', async () => {
    const { observer, lines } = create();
    const error = new FsError('EACCES', 'not yours');
    await expect(observer.request('remove', '/a', () => Promise.reject(error))).rejects.toBe(error);
    expect(lines[0]?.fields).toMatchObject({ activityType: 'DELETE', result: 'EACCES' });
  });
});

test('a request that only looks has none', async () => {
  const { observer, lines } = create();
  for (const operation of ['stat', 'lstat', 'readdir', 'read', 'statvfs']) {
    await observer.request(operation, '/a', ok);
  }
  expect(lines).toEqual([]);
});

test('a file that is opened for reading has one for those who want to see it all, and always when it is refused', async () => {
  const { observer, lines } = create();
  await observer.request('open', '/a', ok);
  await observer.request('open', '/b', () => Promise.reject(new FsError('ENOENT', 'none'))).catch(ok);
  expect(lines.map(({ level, fields }) => [level, fields['path'], fields['result']])).toEqual([
    ['debug', '/a', 'ok'],
    ['info', '/b', 'ENOENT'],
  ]);
});

test('a download has a line when it ends, with what went to the client', () => {
  const { observer, lines } = create();
  observer.downloaded('/a', { bytes: 12, size: 20, result: 'ECONNABORTED' });
  expect(lines).toMatchObject([
    {
      level: 'info',
      message: 'download ended',
      fields: { activityType: 'CLOSE', mode: 'read', ...who, bytesOut: 12, size: 20, result: 'ECONNABORTED' },
    },
  ]);
});

test('a fault names the trace that it was met in, when there is one', async () => {
  const { observer, lines } = create();
  const error = new Error('broken');
  await observer.request('stat', '/a', () => Promise.reject(error)).catch(ok);
  observer.onFault(error, 'stat');
  observer.onFault(new Error('elsewhere'), 'receive');
  expect(lines).toMatchObject([
    { level: 'error', fields: { activityType: 'ERROR', request: 'stat', err: error, ...who } },
    { level: 'error', fields: { request: 'receive' } },
  ]);
  expect(lines[0]?.fields['traceId']).toMatch(/^[0-9a-f]{32}$/);
  expect(lines[1]?.fields).not.toHaveProperty('traceId');
});

test('without traces a line has no ids, rather than zeros', async () => {
  const { observer, lines } = create(new ProxyTracerProvider().getTracer('test') as never);
  await observer.request('mkdir', '/a', ok);
  expect(lines[0]?.fields).not.toHaveProperty('traceId');
});

describe('a request that is refused before the backend is asked', () => {
  test('has a line with what it names, shortened, and the code', () => {
    const { observer, lines } = create();
    const tooLong = new FsError('ENAMETOOLONG', 'too long');
    observer.refused(tooLong, { kind: 'remove', path: 'x'.repeat(5000) });
    observer.refused(new FsError('EMFILE', 'too many'), { kind: 'open', path: '/a' });
    observer.refused(new FsError('EINVAL', 'no'), { kind: 'rename', from: '/a', to: '/b\0' });
    observer.refused(new FsError('ENOTSUP', 'no'), { kind: 'symlink', path: '/a', targetPath: '/b' });
    observer.refused(new FsError('ENOTSUP', 'no'), { kind: 'unsupported', what: 'the extension x' });
    expect(lines.map(({ level, message, fields }) => [level, message, fields])).toEqual([
      ['info', 'remove', { activityType: 'DELETE', ...who, path: 'x'.repeat(1024), result: 'ENAMETOOLONG' }],
      ['info', 'open', { activityType: 'OPEN', ...who, path: '/a', result: 'EMFILE' }],
      [
        'info',
        'rename',
        { activityType: 'RENAME', ...who, path: '/a', targetPath: '/b\0', result: 'EINVAL' },
      ],
      [
        'info',
        'symlink',
        { activityType: 'CREATE_SYMLINK', ...who, path: '/a', targetPath: '/b', result: 'ENOTSUP' },
      ],
      [
        'info',
        'request refused',
        { activityType: 'REFUSED', ...who, request: 'the extension x', result: 'ENOTSUP' },
      ],
    ]);
  });

  test('has none when it was asked after all, which has told of it, nor when it only looks', async () => {
    const { observer, lines } = create();
    const error = new FsError('EACCES', 'not yours');
    await observer.request('remove', '/a', () => Promise.reject(error)).catch(ok);
    observer.refused(error, { kind: 'remove', path: '/a' });
    observer.refused(new FsError('ENOENT', 'none'), { kind: 'stat', path: '/a' });
    expect(lines).toHaveLength(1);
  });
});

test('a client that breaks the protocol has a line with the reason', () => {
  const { observer, lines } = create();
  observer.broken('a packet of no bytes');
  expect(lines).toMatchObject([
    { level: 'info', fields: { activityType: 'EXIT_REASON', ...who, reason: 'a packet of no bytes' } },
  ]);
});
