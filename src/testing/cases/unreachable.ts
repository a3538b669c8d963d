import assert from 'node:assert/strict';
import {
  assertDirectory,
  assertFile,
  assertMissing,
  assertNames,
  assertRejects,
  begin,
  listEntries,
  put,
  send,
  text,
} from '../probe.ts';
import type { ConformanceCase, ConformanceSubject } from '../subject.ts';

/** Within which a client must hear that the store is away. */
const LIMIT_MS = 30_000;

type Operation = (subject: ConformanceSubject) => Promise<unknown>;

/** Each on `/file`, which has content, or `/dir`, which is empty; what would be new is `/new`. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  listDir: (subject) => listEntries(subject, '/dir'),
  fileInfo: ({ backend, context }) => backend.fileInfo(context, '/file'),
  makeDir: ({ backend, context }) => backend.makeDir(context, '/new'),
  delDir: ({ backend, context }) => backend.delDir(context, '/dir'),
  delete: ({ backend, context }) => backend.delete(context, '/file'),
  rename: ({ backend, context }) => backend.rename(context, '/file', '/new'),
  readFile: ({ backend, context }) => backend.readFile(context, '/file'),
  writeFile: ({ backend, context }) => backend.writeFile(context, '/file', text('later')),
  readFileRange: ({ backend, context }) => backend.readFileRange(context, '/file', { offset: 1, length: 2 }),
  storedFile: ({ backend, context }) => backend.storedFile(context, '/file'),
  'an upload, by its end at the latest,': (subject) => send(subject, '/new', [[0, text('later')]]),
  'an upload to an older file, by its end at the latest,': (subject) =>
    send(subject, '/file', [[0, text('later')]]),
};

async function withinLimit<T>(what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new assert.AssertionError({ message: `${what} has not ended within ${LIMIT_MS} ms` })),
      LIMIT_MS,
    );
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Does `work` while the store is away; it is back when this ends, however it ends. */
async function whileUnreachable(
  { unreachable }: ConformanceSubject,
  work: () => Promise<void>,
): Promise<void> {
  assert.ok(unreachable, 'the kit was not told how the store goes away');
  const restore = await unreachable();
  try {
    await work();
  } finally {
    await restore();
  }
}

function assertAway(what: string, work: () => Promise<unknown>): Promise<void> {
  return assertRejects(['EIO', 'ETIMEDOUT'], () => withinLimit(what, work()));
}

async function makeTree({ backend, context }: ConformanceSubject): Promise<void> {
  await backend.makeDir(context, '/dir');
  await backend.writeFile(context, '/file', text('earlier'));
}

async function assertTree(subject: ConformanceSubject): Promise<void> {
  await assertNames(subject, '/', ['dir', 'file']);
  await assertFile(subject, '/file', text('earlier'));
  await assertDirectory(subject, '/dir');
}

/** What becomes of requests while that is away which the backend stands on. */
export const unreachableCases: readonly ConformanceCase[] = [
  ...Object.entries(OPERATIONS).map(
    ([name, run]): ConformanceCase => ({
      name: `while the store is unreachable ${name} rejects EIO or ETIMEDOUT, and nothing has changed when it is back`,
      needs: 'faults.unreachable',
      async run(subject) {
        await makeTree(subject);
        await whileUnreachable(subject, () => assertAway(name, () => run(subject)));
        await assertTree(subject);
      },
    }),
  ),
  {
    name: 'an upload that the store goes away under rejects by its end, and an earlier file stays as it was',
    needs: 'faults.unreachable',
    async run(subject) {
      await makeTree(subject);
      const upload = await subject.backend.beginWrite(subject.context, '/file', {
        create: true,
        exclusive: false,
        truncate: true,
        append: false,
      });
      await put(upload, 0, text('half of '));
      await whileUnreachable(subject, async () => {
        await assertAway('the upload', async () => {
          try {
            await put(upload, 8, text('a file'));
          } catch (error) {
            await upload.abortWrite();
            throw error;
          }
          await upload.finishWrite();
        });
      });
      await assertTree(subject);
    },
  },
  {
    name: 'an upload that is aborted while the store is unreachable ends, and nothing appears when it is back',
    needs: 'faults.unreachable',
    async run(subject) {
      const upload = await begin(subject);
      await put(upload, 0, text('half of'));
      await whileUnreachable(subject, async () => {
        // It may tell that it could not clean up; it may not go on for ever.
        const [outcome] = await Promise.allSettled([withinLimit('abortWrite', upload.abortWrite())]);
        if (outcome.status === 'rejected')
          await assertAway('abortWrite', () => Promise.reject(outcome.reason));
      });
      await assertMissing(subject, '/file');
      await assertNames(subject, '/', []);
    },
  },
  {
    name: 'once the store is back everything works again, without a new backend',
    needs: 'faults.unreachable',
    async run(subject) {
      const { backend, context } = subject;
      await makeTree(subject);
      await whileUnreachable(subject, () => assertAway('fileInfo', () => backend.fileInfo(context, '/file')));
      await assertTree(subject);
      await send(subject, '/dir/upload', [[0, text('later')]]);
      await assertFile(subject, '/dir/upload', text('later'));
      await backend.rename(context, '/dir/upload', '/file');
      await assertFile(subject, '/file', text('later'));
      await backend.delete(context, '/file');
      await backend.delDir(context, '/dir');
      await assertNames(subject, '/', []);
    },
  },
];
