import { describe, expect, test } from 'vitest';
import { fileInfo } from '../../src/contract/types.ts';
import { DirectoryReader } from '../../src/sftp/directory-reader.ts';
import { FileReader } from '../../src/sftp/file-reader.ts';
import { type Handle, HandleTable, spoil } from '../../src/sftp/handle-table.ts';
import { createMemoryUpload } from '../support/memory-upload.ts';
import { TestAllowance, turn } from '../support/sftp-driver.ts';

const file = (path = '/f'): Handle => ({
  kind: 'file',
  path,
  info: fileInfo(0),
  reader: new FileReader({ size: 0, fetch: async () => new Uint8Array(0), memory: new TestAllowance() }),
});

const upload = (abortWrite: () => Promise<void> = async () => undefined): Handle => {
  const target = { ...createMemoryUpload(), abortWrite };
  return { kind: 'upload', path: '/u', upload: target, startedAt: 0 };
};

function directory(onReturn: () => void): Handle {
  async function* pages(): AsyncGenerator<never[]> {
    try {
      yield [];
    } finally {
      onReturn();
    }
  }
  return { kind: 'directory', path: '/d', entries: new DirectoryReader(pages()) };
}

describe('HandleTable', () => {
  test('gives back what an id stands for', () => {
    const table = new HandleTable(10);
    const [a, b] = [file('/a'), file('/b')];
    const [idA, idB] = [table.add(a), table.add(b)];
    expect(table.get(idA, 'file')).toBe(a);
    expect(table.get(idB, 'file', 'upload')).toBe(b);
    expect([table.size, table.uploads]).toEqual([2, 0]);
  });

  test('what is not of the kind asked for, or not there, is EBADF', () => {
    const table = new HandleTable(10);
    const id = table.add(upload());
    expect(() => table.get(id, 'file')).toThrow('EBADF');
    expect(() => table.get(id, 'file', 'directory')).toThrow('EBADF');
    expect(() => table.get('nothing', 'upload')).toThrow('EBADF');
    expect(() => table.remove('nothing')).toThrow('EBADF');
    expect(() => table.get('constructor', 'upload')).toThrow('EBADF');
    expect(table.size).toBe(1);
  });

  test('forgets what is removed, and an id is never used again', () => {
    const table = new HandleTable(10);
    const first = file();
    const id = table.add(first);
    expect(table.remove(id)).toBe(first);
    expect(() => table.get(id, 'file')).toThrow('EBADF');
    expect(() => table.remove(id)).toThrow('EBADF');
    const seen = new Set([id]);
    for (let index = 0; index < 1000; index++) {
      const next = table.add(file());
      expect(seen.has(next)).toBe(false);
      seen.add(next);
      table.remove(next);
    }
  });

  test('has room for as many as its limit', () => {
    const table = new HandleTable(2);
    table.assertRoom();
    const id = table.add(file());
    table.assertRoom();
    table.add(upload());
    expect(() => table.assertRoom()).toThrow('EMFILE');
    table.remove(id);
    table.assertRoom();
  });

  test('opens nothing more once it is told so, keeps what is open, and knows that it has refused', () => {
    const table = new HandleTable(2);
    const id = table.add(file());
    table.refuseMore();
    expect(table.hasRefused).toBe(false);
    expect(() => table.assertRoom()).toThrow('EAGAIN');
    expect(table.hasRefused).toBe(true);
    expect(table.get(id, 'file').kind).toBe('file');
  });

  test('counts uploads apart', () => {
    const table = new HandleTable(10);
    table.add(file());
    const id = table.add(upload());
    table.add(upload());
    expect(table.uploads).toBe(2);
    table.remove(id);
    expect(table.uploads).toBe(1);
  });

  test('abortAll aborts every upload, closes every listing, and says what failed', async () => {
    const table = new HandleTable(10);
    const ended: string[] = [];
    table.add(file());
    table.add(upload(() => Promise.reject(new Error('first'))));
    const listing = directory(() => ended.push('directory'));
    if (listing.kind === 'directory') await listing.entries.open();
    table.add(listing);
    table.add(upload(async () => void ended.push('upload')));
    const failures = await table.abortAll();
    expect(failures).toEqual([new Error('first')]);
    expect(ended.sort()).toEqual(['directory', 'upload']);
    expect(table.size).toBe(0);
    expect(await table.abortAll()).toEqual([]);
  });

  test('what is opened while the session ends is ended, and gets no handle', async () => {
    const table = new HandleTable(10);
    const ended: string[] = [];
    await table.abortAll();
    expect(() => table.add(upload(async () => void ended.push('upload')))).toThrow('EBADF');
    const listing = directory(() => ended.push('directory'));
    if (listing.kind === 'directory') await listing.entries.open();
    expect(() => table.add(listing)).toThrow('EBADF');
    expect(() => table.add(upload(() => Promise.reject(new Error('no'))))).toThrow('EBADF');
    expect(() => table.add(file())).toThrow('EBADF');
    await turn();
    expect(ended).toEqual(['upload', 'directory']);
    expect([table.size, table.uploads]).toEqual([0, 0]);
  });

  test('finds the upload of a path, and of a handle, and nothing else', () => {
    const table = new HandleTable(10);
    const target = upload();
    const id = table.add(target);
    const other = table.add(file('/u'));
    expect(table.uploadAt('/u')).toBe(target);
    expect(table.uploadAt('/')).toBeUndefined();
    expect(table.findUpload(id)).toBe(target);
    expect(table.findUpload(other)).toBeUndefined();
    expect(table.findUpload('nothing')).toBeUndefined();
    table.remove(id);
    expect([table.uploadAt('/u'), table.findUpload(id)]).toEqual([undefined, undefined]);
  });

  test('an upload remembers the first thing that spoilt it, and every one is thrown', () => {
    const handle = upload();
    if (handle.kind !== 'upload') throw new Error('not an upload');
    expect(() => spoil(handle, new Error('first'))).toThrow('first');
    expect(() => spoil(handle, new Error('second'))).toThrow('second');
    expect(handle.failure).toEqual(new Error('first'));
  });
});
