import { expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { StreamingBackend } from '../../src/contract/backend.ts';
import type { RequestContext } from '../../src/contract/context.ts';
import { withBuffering } from '../../src/layers/with-buffering.ts';
import { withoutBuckets } from '../../src/layers/without-buckets.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { collectLog } from '../support/collect-log.ts';

const CREATE = { create: true, exclusive: false, truncate: true, append: false };

const OPERATIONS: Readonly<
  Record<
    Exclude<keyof StreamingBackend, 'name' | 'locate'>,
    (b: StreamingBackend, c: RequestContext) => Promise<unknown>
  >
> = {
  listDir: async (backend, context) => {
    for await (const _ of backend.listDir(context, '/'));
  },
  fileInfo: (backend, context) => backend.fileInfo(context, '/'),
  makeDir: (backend, context) => backend.makeDir(context, '/dir'),
  delDir: (backend, context) => backend.delDir(context, '/dir'),
  delete: (backend, context) => backend.delete(context, '/file'),
  rename: (backend, context) => backend.rename(context, '/file', '/other'),
  readFile: (backend, context) => backend.readFile(context, '/file'),
  readFileRange: (backend, context) => backend.readFileRange(context, '/file', { offset: 0, length: 1 }),
  writeFile: (backend, context) => backend.writeFile(context, '/file', Buffer.from('x')),
  beginWrite: (backend, context) => backend.beginWrite(context, '/file', CREATE),
  storedFile: (backend, context) => backend.storedFile(context, '/file'),
};

const of = (username: string, bucket?: string) =>
  createTestContext({ principal: { username, session: {}, ...(bucket === undefined ? {} : { bucket }) } });

function create() {
  const { log, lines } = collectLog();
  const backend = withBuffering(createMemoryBackend(), { maxFileBytes: 1024 });
  return { backend: withoutBuckets(backend, log), lines };
}

test.each(Object.entries(OPERATIONS))('%s is EACCES for who has a bucket', async (_, run) => {
  const { backend } = create();
  await backend.writeFile(of('globex'), '/file', Buffer.from('of others'));
  await expect(run(backend, of('acme', 'of-acme'))).rejects.toMatchObject({ code: 'EACCES' });
});

test('the log says why, once a user', async () => {
  const { backend, lines } = create();
  for (const username of ['acme', 'acme', 'initech']) {
    await backend.fileInfo(of(username, 'of-acme'), '/').catch(() => undefined);
  }
  expect(lines.map(({ level, fields }) => [level, fields['username'], fields['bucket']])).toEqual([
    ['warn', 'acme', 'of-acme'],
    ['warn', 'initech', 'of-acme'],
  ]);
});

test('who has none is served, and nothing is said', async () => {
  const { backend, lines } = create();
  await backend.writeFile(of('globex'), '/file', Buffer.from('x'));
  expect((await backend.fileInfo(of('globex'), '/file')).size).toBe(1);
  expect(lines).toEqual([]);
});
