import { utimes, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { reading } from '../../../src/backends/folder/contents.ts';
import { Folder } from '../../../src/backends/folder/folder.ts';
import { toEtag } from '../../../src/backends/folder/stats.ts';
import { createTestContext } from '../../../src/testing/index.ts';
import { codeOf, createFolderSubject } from '../../support/folder-subject.ts';

test('a file that is written into in place while it is read is ESTALE, though its time was put back', async () => {
  const subject = await createFolderSubject();
  const path = subject.local('file');
  const write = async (content: string) => {
    await writeFile(path, content);
    await utimes(path, 1_000_000_000, 1_000_000_000);
  };
  await write('content');
  const { principal } = createTestContext();
  const read = new Folder(subject.root).visit(principal, '/file', 'followed', async (place) => {
    if (place.stats === undefined) throw new Error('it is not there');
    return await reading(place, toEtag(place.stats), () => write('CONTENT'));
  });
  expect(await codeOf(read)).toBe('ESTALE');
  await subject.remove();
});
