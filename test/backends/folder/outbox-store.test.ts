import { symlink, utimes } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Folder } from '../../../src/backends/folder/folder.ts';
import { createFolderOutboxStore } from '../../../src/backends/folder/outbox-store.ts';
import type { OutboxStore, RecordEntry } from '../../../src/contract/outbox-store.ts';
import { createFolderSubject, type FolderSubject } from '../../support/folder-subject.ts';

let subject: FolderSubject;
let store: OutboxStore;
beforeEach(async () => {
  subject = await createFolderSubject();
  store = createFolderOutboxStore(new Folder(subject.root));
});
afterEach(() => subject.remove());

async function list(folder: string): Promise<RecordEntry[]> {
  const entries: RecordEntry[] = [];
  for await (const page of store.list(folder)) entries.push(...page);
  return entries;
}

test('a record is created, replaced and deleted; a missing one is nothing', async () => {
  expect(await store.get('outbox/a.json')).toBeUndefined();
  await store.put('outbox/a.json', 'first');
  expect((await store.get('outbox/a.json'))?.text).toBe('first');
  await store.put('outbox/a.json', 'second');
  expect((await store.get('outbox/a.json'))?.text).toBe('second');
  await store.delete('outbox/a.json');
  await store.delete('outbox/a.json');
  expect(await store.get('outbox/a.json')).toBeUndefined();
});

test('replace takes the record of that etag and no other', async () => {
  await store.put('outbox/a.json', 'first');
  const etag = (await store.get('outbox/a.json'))?.etag ?? '';
  expect(await store.replace('outbox/a.json', 'second', etag)).toBe(true);
  expect(await store.replace('outbox/a.json', 'third', etag)).toBe(false);
  expect((await store.get('outbox/a.json'))?.text).toBe('second');
  await store.delete('outbox/a.json');
  expect(await store.replace('outbox/a.json', 'fourth', etag)).toBe(false);
  expect(await store.get('outbox/a.json')).toBeUndefined();
});

test('a folder is listed in the order of the names, each with its etag and time; others are not', async () => {
  const names = Array.from({ length: 30 }, (_, index) => `outbox/${(index * 7) % 30}`.padEnd(12, 'x'));
  for (const name of names) await store.put(name, name);
  await store.put('failures/outbox/b', 'elsewhere');
  await utimes(subject.local(`.sluice/${names[0]}`), 1000, 1000);
  const entries = await list('outbox/');
  expect(entries.map(({ name }) => name)).toEqual([...names].sort());
  for (const { name, etag } of entries) expect((await store.get(name))?.etag).toBe(etag);
  expect(entries.find(({ name }) => name === names[0])?.writtenAt).toEqual(new Date(1_000_000));
  expect((await list('failures/outbox/')).map(({ name }) => name)).toEqual(['failures/outbox/b']);
  expect(await list('refused/')).toEqual([]);
});

test('what clients have is told by its location; what is not there, or not in this folder, is nothing', async () => {
  const { location, etag } = await subject.backend.writeFile(
    subject.context,
    '/file',
    Buffer.from('content'),
  );
  await symlink(subject.outside, subject.local('out'));
  expect(location && (await store.storedFile(location))).toEqual({ size: 7, etag, location });
  expect(await store.storedFile({ bucket: subject.root, key: 'missing' })).toBeUndefined();
  expect(await store.storedFile({ bucket: '/elsewhere', key: 'file' })).toBeUndefined();
});
