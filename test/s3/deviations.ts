import assert from 'node:assert/strict';
import { FsError, type FsErrorCode } from '../../src/contract/errors.ts';
import type { ConformanceSubject, Deviation } from '../../src/testing/index.ts';

const BYTES = Buffer.from('bytes');
const NO_DIRECTORIES = 'S3 has no directories: those above a key exist by its being there';

async function assertCode(code: FsErrorCode, run: () => Promise<unknown>): Promise<void> {
  await assert.rejects(run, (error) => error instanceof FsError && error.code === code);
}

async function assertHolds({ backend, context }: ConformanceSubject, path: string): Promise<void> {
  assert.deepEqual(Buffer.from(await backend.readFile(context, path)), BYTES);
}

/** What the S3 backend does otherwise than the kit has it, on every store. */
export const deviations: Record<string, Deviation> = {
  'a directory cannot be made below a missing directory': {
    reason: NO_DIRECTORIES,
    actual: async ({ backend, context }) => {
      await backend.makeDir(context, '/missing/dir');
      assert.equal((await backend.fileInfo(context, '/missing')).type, 'directory');
    },
  },
  'a file cannot be made below a missing directory': {
    reason: NO_DIRECTORIES,
    actual: async (subject) => {
      await subject.backend.writeFile(subject.context, '/missing/file', BYTES);
      await assertHolds(subject, '/missing/file');
      assert.equal((await subject.backend.fileInfo(subject.context, '/missing')).type, 'directory');
    },
  },
  'a file cannot be renamed to below a missing directory': {
    reason: NO_DIRECTORIES,
    actual: async (subject) => {
      await subject.backend.writeFile(subject.context, '/from', BYTES);
      await subject.backend.rename(subject.context, '/from', '/missing/to');
      await assertHolds(subject, '/missing/to');
      await assertCode('ENOENT', () => subject.backend.fileInfo(subject.context, '/from'));
    },
  },
  'a directory cannot be made below a file': {
    reason: 'a key and a prefix may share a name; looking at every ancestor would cost a request each',
    actual: async (subject) => {
      await subject.backend.writeFile(subject.context, '/file', BYTES);
      await subject.backend.makeDir(subject.context, '/file/dir');
      await assertHolds(subject, '/file');
    },
  },
  'a file cannot be made below a file': {
    reason: 'a key and a prefix may share a name; looking at every ancestor would cost a request each',
    actual: async (subject) => {
      await subject.backend.writeFile(subject.context, '/file', BYTES);
      await subject.backend.writeFile(subject.context, '/file/below', BYTES);
      await assertHolds(subject, '/file');
      await assertHolds(subject, '/file/below');
    },
  },
  'a file cannot be renamed to below a file': {
    reason: 'a key and a prefix may share a name; looking at every ancestor would cost a request each',
    actual: async (subject) => {
      await subject.backend.writeFile(subject.context, '/from', BYTES);
      await subject.backend.writeFile(subject.context, '/file', BYTES);
      await subject.backend.rename(subject.context, '/from', '/file/to');
      await assertHolds(subject, '/file');
      await assertHolds(subject, '/file/to');
    },
  },
  'fileInfo, listDir and readFile of a path through a file reject ENOTDIR': {
    reason: 'such a key is merely missing; clients hear NO_SUCH_FILE for either',
    actual: async ({ backend, context }) => {
      await backend.writeFile(context, '/file', BYTES);
      await assertCode('ENOENT', () => backend.fileInfo(context, '/file/below'));
      await assertCode('ENOENT', () => backend.readFile(context, '/file/below'));
    },
  },
  'an upload that keeps earlier content keeps that of when it began': {
    reason: 'S3 gives only the current content; a mixture is refused',
    actual: async (subject) => {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', Buffer.from('earlier'));
      const options = { create: true, exclusive: false, truncate: false, append: false };
      const upload = await backend.beginWrite(context, '/file', options);
      await upload.writeChunk(0, Buffer.from('EAR'));
      await backend.writeFile(context, '/file', BYTES);
      await assertCode('ESTALE', () => upload.finishWrite());
      await assertHolds(subject, '/file');
    },
  },
};
