import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterEach, expect, test, vi } from 'vitest';
import { generateHostKeys, loadHostKeys } from '../../src/ssh/host-keys.ts';

const folders: string[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-keys-'));
  folders.push(folder);
  return folder;
}

test('a key that ssh2 generates and cannot read back is made again', async () => {
  const folder = await newFolder();
  const generate = vi.spyOn(ssh2.utils, 'generateKeyPairSync');
  generate.mockImplementationOnce(() => ({ private: 'unreadable', public: '' }));
  const keys = await generateHostKeys(folder);
  expect(generate).toHaveBeenCalledTimes(4);
  expect((await loadHostKeys(folder)).map(({ fingerprint }) => fingerprint).sort()).toEqual(
    keys.map(({ fingerprint }) => fingerprint).sort(),
  );
});

test('a folder without keys, or that is not there, is refused by name', async () => {
  const folder = await newFolder();
  await expect(loadHostKeys(folder)).rejects.toThrow(`there is no host key in ${folder}`);
  await expect(loadHostKeys(join(folder, 'missing'))).rejects.toThrow('ENOENT');
});
