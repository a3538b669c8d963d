import assert from 'node:assert/strict';
import type { FileAttributes } from '../../contract/types.ts';
import { assertFile, begin, put, REPLACE, send, text, UPDATE } from '../probe.ts';
import type { ConformanceCase, ConformanceSubject } from '../subject.ts';

/** Years apart from now and from each other: none is met by chance. */
const [SOME_TIME, OTHER_TIME] = [1_000_000_000, 1_234_567_890];

/** Asserts attributes of a file, of a backend that keeps them; of any other, that it is there. */
async function assertAttributes(
  { backend, context, keepsAttributes = true }: ConformanceSubject,
  path: string,
  expected: FileAttributes,
): Promise<void> {
  const { mtime, mode } = await backend.fileInfo(context, path);
  if (!keepsAttributes) return;
  if (expected.mtime !== undefined) assert.equal(mtime, expected.mtime, `mtime of ${path}`);
  if (expected.mode !== undefined)
    assert.equal(mode.toString(8), expected.mode.toString(8), `mode of ${path}`);
}

/** What becomes of the attributes that a file is given. A backend that keeps none takes them all the same. */
export const attributeCases: readonly ConformanceCase[] = [
  {
    name: 'attributes given to writeFile are those of the file',
    async run(subject) {
      const attributes = { mtime: SOME_TIME, mode: 0o600 };
      await subject.backend.writeFile(subject.context, '/file', text('content'), attributes);
      await assertFile(subject, '/file', text('content'));
      await assertAttributes(subject, '/file', attributes);
    },
  },
  {
    name: 'attributes given to beginWrite are those of the file when it finishes',
    async run(subject) {
      const attributes = { mtime: SOME_TIME, mode: 0o640 };
      await send(subject, '/file', [[0, text('content')]], { ...REPLACE, attributes });
      await assertFile(subject, '/file', text('content'));
      await assertAttributes(subject, '/file', attributes);
    },
  },
  {
    name: 'attributes set before the end are those of the file when it finishes',
    async run(subject) {
      const upload = await begin(subject);
      upload.setAttributes({ mtime: SOME_TIME, mode: 0o755 });
      await put(upload, 0, text('content'));
      await upload.finishWrite();
      await assertFile(subject, '/file', text('content'));
      await assertAttributes(subject, '/file', { mtime: SOME_TIME, mode: 0o755 });
    },
  },
  {
    name: 'attributes of an empty file are kept as those of any other',
    async run(subject) {
      const upload = await begin(subject);
      upload.setAttributes({ mtime: SOME_TIME, mode: 0o444 });
      await upload.finishWrite();
      await assertFile(subject, '/file', new Uint8Array(0));
      await assertAttributes(subject, '/file', { mtime: SOME_TIME, mode: 0o444 });
    },
  },
  {
    name: 'the attributes set last win, and what they leave out stays as it was given',
    async run(subject) {
      const attributes = { mtime: SOME_TIME, mode: 0o600 };
      const upload = await subject.backend.beginWrite(subject.context, '/file', { ...REPLACE, attributes });
      await put(upload, 0, text('content'));
      upload.setAttributes({ mode: 0o640 });
      upload.setAttributes({ mtime: OTHER_TIME });
      upload.setAttributes({});
      await upload.finishWrite();
      await assertFile(subject, '/file', text('content'));
      await assertAttributes(subject, '/file', { mtime: OTHER_TIME, mode: 0o640 });
    },
  },
  {
    name: 'attributes set at the end of a long upload are those of the file',
    async run(subject) {
      const bytes = new Uint8Array(12_000_000).fill(7);
      const upload = await begin(subject);
      await put(upload, 0, bytes);
      await upload.sync();
      upload.setAttributes({ mtime: SOME_TIME, mode: 0o600 });
      await upload.finishWrite();
      await assertFile(subject, '/file', bytes);
      await assertAttributes(subject, '/file', { mtime: SOME_TIME, mode: 0o600 });
    },
  },
  {
    name: 'the mode of a file that an upload writes into stays unless it is given; its time does not',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', text('earlier'), { mtime: SOME_TIME, mode: 0o600 });
      await send(subject, '/file', [[0, text('EAR')]], UPDATE);
      await assertFile(subject, '/file', text('EARlier'));
      await assertAttributes(subject, '/file', { mode: 0o600 });
      assert.notEqual((await backend.fileInfo(context, '/file')).mtime, SOME_TIME);
      await send(subject, '/file', [], { ...UPDATE, attributes: { mode: 0o644 } });
      await assertAttributes(subject, '/file', { mode: 0o644 });
    },
  },
  {
    name: 'an upload that is aborted leaves the attributes of an earlier file as they were',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', text('earlier'), { mtime: SOME_TIME, mode: 0o600 });
      const upload = await begin(subject);
      upload.setAttributes({ mtime: OTHER_TIME, mode: 0o777 });
      await put(upload, 0, text('new'));
      await upload.abortWrite();
      await assertFile(subject, '/file', text('earlier'));
      await assertAttributes(subject, '/file', { mtime: SOME_TIME, mode: 0o600 });
    },
  },
  {
    name: 'a file that is renamed keeps its attributes',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/from', text('content'), { mtime: SOME_TIME, mode: 0o600 });
      await backend.rename(context, '/from', '/to');
      await assertFile(subject, '/to', text('content'));
      await assertAttributes(subject, '/to', { mtime: SOME_TIME, mode: 0o600 });
    },
  },
];
