import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { BUCKET, PREFIX, remote, scp, sftp } from '../support/service.ts';
import { shareService } from '../support/shared-service.ts';

const MiB = 1024 * 1024;
const SIZES = [0, 1, 5 * MiB - 1, 5 * MiB, 5 * MiB + 1, 100 * MiB];

const site = shareService();

const { local, localFile, stored } = site;

/** Runs sftp commands that must all succeed; returns what it printed. */
async function session(...commands: string[]): Promise<string> {
  const { code, stdout, stderr } = await sftp(site.service, site.around.workspace, commands);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
}

describe('OpenSSH sftp', () => {
  test.each(SIZES)('a file of %d bytes comes back byte-identical, and its job tells of it', async (size) => {
    const bytes = await localFile(`up-${size}`, size);
    await session(`put ${local(`up-${size}`)} /file-${size}`, `get /file-${size} ${local(`down-${size}`)}`);
    expect(stored(`file-${size}`)?.equals(bytes)).toBe(true);
    expect((await readFile(local(`down-${size}`))).equals(bytes)).toBe(true);

    const job = await site.around.job(`/file-${size}`);
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(crc32(bytes));
    expect(job.data).toMatchObject({
      bucket: BUCKET,
      key: `${PREFIX}file-${size}`,
      size,
      username: 'acme',
      session: { prefix: PREFIX },
      clientAddress: '127.0.0.1',
      checksum: { algorithm: 'CRC32', value: crc.toString('base64'), type: 'FULL_OBJECT' },
    });
    expect(job.data.etag).toBe(site.around.s3.objects(BUCKET).get(job.data.key)?.etag.replaceAll('"', ''));
  });

  test('a file that fits into one part is one PutObject, a larger one a multipart upload', async () => {
    const operations = (size: number) =>
      site.around.s3.requests
        .filter(({ key, method }) => key === `${PREFIX}file-${size}` && method !== 'HEAD' && method !== 'GET')
        .map(({ operation }) => operation);
    expect(operations(5 * MiB)).toEqual(['PutObject']);
    expect(operations(5 * MiB + 1).sort()).toEqual([
      'CompleteMultipartUpload',
      'CreateMultipartUpload',
      'UploadPart',
      'UploadPart',
    ]);
  });

  test('cp copies within S3: large files part by part, and its job tells of the copy', async () => {
    const bytes = await localFile('original', 21 * MiB);
    await session(`put ${local('original')} /original`);
    site.around.s3.clearRequests();
    await session('cp /original /copy');
    expect(stored('copy')?.equals(bytes)).toBe(true);
    expect((await site.around.job('/copy')).data).toMatchObject({ size: bytes.length });
    const moved = site.around.s3.requests.filter(({ operation = '' }) =>
      /GetObject|UploadPart$/.test(operation),
    );
    expect(moved).toEqual([]);
  });

  test('put -p keeps times and permissions, of small files and of large ones', async () => {
    for (const [name, size] of [
      ['kept-small', 10],
      ['kept-large', 11 * MiB],
    ] as const) {
      await localFile(name, size);
      await chmod(local(name), 0o640);
      await utimes(local(name), 1_500_000_000, 1_500_000_000);
      await session(`put -p ${local(name)} /${name}`, `get -p /${name} ${local(`${name}-back`)}`);
      const { mtimeMs, mode } = await stat(local(`${name}-back`));
      expect([mtimeMs / 1000, mode & 0o777]).toEqual([1_500_000_000, 0o640]);
    }
  });

  test('ls -l shows size, date and name; mkdir, rename, rm and rmdir do what they say', async () => {
    await localFile('small', 1234);
    await session('mkdir /dir', `put ${local('small')} /dir/a`);
    expect(await session('ls -l /dir')).toMatch(
      /^-rw-r--r-- +1 acme +acme +1234 \w{3} [ \d]\d \d\d:\d\d .*a$/m,
    );
    expect(await session('ls -l /')).toMatch(/^drwxr-xr-x .* dir$/m);
    await session('rename /dir/a /dir/b');
    expect(stored('dir/a')).toBeUndefined();
    expect(stored('dir/b')?.length).toBe(1234);
    await session('rm /dir/b', 'rmdir /dir');
    expect(
      [...site.around.s3.objects(BUCKET).keys()].filter((key) => key.startsWith(`${PREFIX}dir`)),
    ).toEqual([]);
  });

  test('put -r of a tree arrives whole, get -r brings it back', async () => {
    const tree: Record<string, Buffer> = {
      'a.txt': randomBytes(10),
      'b/c.bin': randomBytes(70_000),
      'b/d/e f.txt': randomBytes(1),
      'b/d/ümläut.txt': randomBytes(300_000),
      'empty.txt': Buffer.alloc(0),
    };
    for (const [name, bytes] of Object.entries(tree)) {
      const file = join(local('tree'), name);
      await mkdir(join(file, '..'), { recursive: true });
      await writeFile(file, bytes);
    }
    site.around.s3.clearRequests();
    await session('mkdir /tree', `put -r ${local('tree')}/. /tree`);
    // The connection knows what it has made: of no file is the store asked whether it is a directory.
    const listed = site.around.s3.requests.map(({ query: { prefix } }) => prefix);
    for (const name of Object.keys(tree)) expect(listed).not.toContain(`${PREFIX}tree/${name}/`);
    expect(listed).toContain(`${PREFIX}tree/`);
    await session(`get -r /tree ${local('back')}`);
    for (const [name, bytes] of Object.entries(tree)) {
      expect(stored(`tree/${name}`)?.equals(bytes)).toBe(true);
      expect((await readFile(join(local('back'), name))).equals(bytes)).toBe(true);
      await site.around.job(`/tree/${name}`);
    }
  });

  test('a second put replaces the first; put -p keeps working although times are not kept', async () => {
    await localFile('first', 6 * MiB);
    const second = await localFile('second', 100);
    await session(`put ${local('first')} /again`, `put -p ${local('second')} /again`);
    expect(stored('again')?.equals(second)).toBe(true);
  });

  test('reput goes on where an earlier upload stopped', async () => {
    const bytes = await localFile('whole', 300_000);
    await writeFile(local('begun'), bytes.subarray(0, 120_000));
    await session(`put ${local('begun')} /resumed`, `reput ${local('whole')} /resumed`);
    expect(stored('resumed')?.equals(bytes)).toBe(true);
  });

  test('what is not there, not empty or a directory is a failure that says so', async () => {
    const { workspace } = site.around;
    await session('mkdir /full', `put ${local('second')} /full/file`);
    const missing = await sftp(site.service, workspace, ['get /missing /dev/null']);
    expect(missing).toMatchObject({ code: 1 });
    expect(missing.stderr).toContain('not found');
    expect((await sftp(site.service, workspace, ['rm /missing'])).stderr).toContain('No such file');
    const full = await sftp(site.service, workspace, ['rmdir /full']);
    expect(full).toMatchObject({ code: 1 });
    expect(full.stderr).toContain('Failure');
    expect(stored('full/file')).toBeDefined();
  });

  test('df, and an upload with fsync, are answered', async () => {
    expect(await session('df -h /')).toContain('8.0PB');
    await session(`put -f ${local('second')} /synced`);
    expect(stored('synced')?.length).toBe(100);
  });

  test('another tenant’s files are out of reach by any spelling', async () => {
    await site.around.s3.seed(BUCKET, 'tenants/other/secret', Buffer.from('secret'));
    for (const path of ['/../other/secret', '../../tenants/other/secret', '/x/../../other/secret']) {
      const { code } = await sftp(site.service, site.around.workspace, [`get ${path} ${local('stolen')}`]);
      expect(code).toBe(1);
    }
    expect(await session('ls -la /')).not.toContain('secret');
  });
});

describe('OpenSSH scp', () => {
  test.each([0, 1, 100_000, 6 * MiB])('copies %d bytes there and back', async (size) => {
    const bytes = await localFile(`scp-${size}`, size);
    const there = await scp(site.service, site.around.workspace, [
      local(`scp-${size}`),
      remote(`/scp-${size}`),
    ]);
    expect(there).toMatchObject({ code: 0, stderr: '' });
    const back = await scp(site.service, site.around.workspace, [
      remote(`/scp-${size}`),
      local(`scp-back-${size}`),
    ]);
    expect(back).toMatchObject({ code: 0, stderr: '' });
    expect((await readFile(local(`scp-back-${size}`))).equals(bytes)).toBe(true);
  });

  test('replaces a longer file by a shorter one, although it opens without truncating', async () => {
    const long = await localFile('long', 6 * MiB);
    const short = await localFile('short', 1000);
    expect(
      await scp(site.service, site.around.workspace, [local('long'), remote('/replaced')]),
    ).toMatchObject({
      code: 0,
    });
    expect(stored('replaced')?.equals(long)).toBe(true);
    expect(
      await scp(site.service, site.around.workspace, ['-p', local('short'), remote('/replaced')]),
    ).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(stored('replaced')?.equals(short)).toBe(true);
  });

  test('copies a tree with -r', async () => {
    const there = await scp(site.service, site.around.workspace, ['-r', local('tree'), remote('/scp-tree')]);
    expect(there).toMatchObject({ code: 0, stderr: '' });
    expect(stored('scp-tree/b/d/e f.txt')?.length).toBe(1);
  });
});
