import assert from 'node:assert/strict';
import { assertRejects, crc32Base64, noise, REPLACE, send, text } from '../probe.ts';
import type { ConformanceCase } from '../subject.ts';

export const storedFileCases: readonly ConformanceCase[] = [
  {
    name: 'storedFile tells the size of a file, and its checksum if the store has one',
    async run(subject) {
      const { backend, context } = subject;
      await send(subject, '/file', [[0, noise(5000)]]);
      const { size, checksum } = await backend.storedFile(context, '/file');
      assert.equal(size, 5000);
      if (checksum !== undefined) assert.equal(checksum.value, crc32Base64(noise(5000)));
    },
  },
  {
    name: 'storedFile rejects ENOENT for what is missing and EISDIR for a directory',
    async run({ backend, context }) {
      await backend.makeDir(context, '/dir');
      await assertRejects('ENOENT', () => backend.storedFile(context, '/missing'));
      await assertRejects('EISDIR', () => backend.storedFile(context, '/dir'));
      await assertRejects('EISDIR', () => backend.storedFile(context, '/'));
    },
  },
  {
    name: 'notes stay with a file through renames, and go with its content; a store may keep none',
    async run(subject) {
      const { backend, context } = subject;
      const notes = { colour: 'blue', 'second-note': '2026-01-02T03:04:05.006Z' };
      const told = async (path: string) => {
        const all = (await backend.storedFile(context, path)).notes ?? {};
        return Object.fromEntries(Object.entries(all).filter(([name]) => name in notes));
      };
      await send(subject, '/file', [[0, text('first')]], { ...REPLACE, notes });
      const kept = await told('/file');
      if (Object.keys(kept).length > 0) assert.deepEqual(kept, notes);
      await backend.rename(context, '/file', '/renamed');
      assert.deepEqual(await told('/renamed'), kept);
      await send(subject, '/renamed', [[0, text('second')]], REPLACE);
      assert.deepEqual(await told('/renamed'), {});
    },
  },
  {
    name: 'an upload that keeps bytes of a file has the notes of its own',
    async run(subject) {
      const { backend, context } = subject;
      const update = { ...REPLACE, truncate: false };
      const noted = (colour: string) => ({ notes: { colour } });
      await send(subject, '/file', [[0, text('first')]], { ...REPLACE, ...noted('blue') });
      await send(subject, '/file', [[0, text('2')]], { ...update, ...noted('red') });
      const { notes } = await backend.storedFile(context, '/file');
      if (notes?.['colour'] !== undefined) assert.equal(notes['colour'], 'red');
    },
  },
  {
    name: 'locate says where the store then has the file',
    async run(subject) {
      const { backend, context } = subject;
      const { location } = await send(subject, '/file', [[0, text('first')]]);
      if (location !== undefined) assert.deepEqual(backend.locate(context, '/file'), location);
      assert.notDeepEqual(backend.locate(context, '/other'), backend.locate(context, '/file'));
    },
  },
];
