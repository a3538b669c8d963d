import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectJobs } from '../support/expect-jobs.ts';
import { BUCKET, PREFIX } from '../support/service.ts';
import { close, Flag, open, UPLOAD, write } from '../support/sftp-packets.ts';
import { shareService } from '../support/shared-service.ts';
import { MiB, Ssh2Client, settled } from './ssh2-client.ts';

/**
 * Request by request what clients do that cannot run here, or not in this version: sources in their own code, named
 * above each group. The bytes go through ssh2's client.
 */

const NO_SUCH_FILE = 2;
const FAILURE = 4;
/** Open at what is there already, or make it: never cut it off. */
const RESUME = Flag.WRITE | Flag.CREAT;
const TIMES = { atime: 1_700_000_000, mtime: 1_700_000_000 };

const site = shareService();
let client: Ssh2Client;

beforeAll(async () => {
  client = await Ssh2Client.connect(site.service.port, site.around.workspace);
});
afterAll(() => client?.end());

const { stored } = site;
const isStored = (path: string, bytes: Buffer) => stored(path)?.equals(bytes);
const keys = (below: string) =>
  [...site.around.s3.objects(BUCKET).keys()].filter((key) => key.startsWith(PREFIX + below));
const seed = (path: string, bytes: Buffer) => site.around.s3.seed(BUCKET, PREFIX + path, bytes);

/** The file has its job, exactly one, and nothing below that has any other. */
async function expectOneJob(path: string, bytes: Buffer, below = `/${path}`): Promise<void> {
  const marker = `/marker-${path.replaceAll('/', '-')}`;
  await upload(marker, UPLOAD, Buffer.of(1), 1);
  await expectJobs(site.around, marker, {
    below,
    jobs: [{ path: `/${path}`, size: bytes.length, crc32: crc32(bytes) }],
  });
}

const setstat = (path: string, attributes: object) =>
  settled((done) => client.sftp.setstat(path, attributes, done));
const fsetstat = (handle: Buffer, attributes: object) =>
  settled((done) => client.sftp.fsetstat(handle, attributes, done));
const rename = (from: string, to: string) => settled((done) => client.sftp.rename(from, to, done));
const posixRename = (from: string, to: string) =>
  settled((done) => client.sftp.ext_openssh_rename(from, to, done));
const remove = (path: string) => settled((done) => client.sftp.unlink(path, done));

async function upload(path: string, flags: number, bytes: Buffer, outstanding: number, offset = 0) {
  const handle = await client.open(path, flags);
  await client.writeAll(handle, bytes, outstanding, offset);
  await client.close(handle);
}

// winscp source/core/SftpFileSystem.cpp: SFTPOpenRemote, SFTPConfirmOverwrite, CopyToRemote.
describe('WinSCP', () => {
  const OUTSTANDING = 64;

  test('a small new file goes through the exclusive open itself', async () => {
    const bytes = randomBytes(50_000);
    await expect(client.size('/winscp/small')).rejects.toMatchObject({ code: NO_SUCH_FILE });
    await upload('/winscp/small', RESUME | Flag.EXCL, bytes, OUTSTANDING);
    await setstat('/winscp/small', { mode: 0o100644, ...TIMES });
    expect(isStored('winscp/small', bytes)).toBe(true);
    await expectOneJob('winscp/small', bytes);
  });

  test('the exclusive open fails where there is a file, which stays; the next open replaces it', async () => {
    const [older, newer] = [randomBytes(6 * MiB), randomBytes(50_000)];
    await seed('winscp/there', older);
    const probe = client.open('/winscp/there', RESUME | Flag.EXCL);
    await expect(probe).rejects.toMatchObject({ code: FAILURE });
    expect(isStored('winscp/there', older)).toBe(true);
    await upload('/winscp/there', UPLOAD, newer, OUTSTANDING);
    await setstat('/winscp/there', { mode: 0o100644, ...TIMES });
    expect(isStored('winscp/there', newer)).toBe(true);
    await expectOneJob('winscp/there', newer);
  });

  test('a large file goes to .filepart, the older one is removed, then the new one gets its name', async () => {
    const bytes = randomBytes(12 * MiB + 1);
    await seed('winscp/large.zip', randomBytes(10));
    expect(await client.size('/winscp/large.zip')).toBe(10);
    await upload('/winscp/large.zip.filepart', UPLOAD, bytes, OUTSTANDING);
    await remove('/winscp/large.zip');
    await rename('/winscp/large.zip.filepart', '/winscp/large.zip');
    await setstat('/winscp/large.zip', { mode: 0o100644, ...TIMES });
    expect(isStored('winscp/large.zip', bytes)).toBe(true);
    await expectOneJob('winscp/large.zip', bytes);
    expect(keys('winscp/large')).toEqual([`${PREFIX}winscp/large.zip`]);
  });

  test.each([3 * MiB + 17, 5 * MiB, 7 * MiB + 17])(
    'a transfer cut off at %d bytes is resumed',
    async (begun) => {
      const bytes = randomBytes(12 * MiB + 1);
      const name = `/winscp/resumed-${begun}`;
      await upload(`${name}.filepart`, UPLOAD, bytes.subarray(0, begun), OUTSTANDING);
      expect(await client.size(`${name}.filepart`)).toBe(begun);
      await upload(`${name}.filepart`, RESUME, bytes.subarray(begun), OUTSTANDING, begun);
      await rename(`${name}.filepart`, name);
      await setstat(name, { mode: 0o100644, ...TIMES });
      expect(isStored(name.slice(1), bytes)).toBe(true);
      await expectOneJob(name.slice(1), bytes);
      expect(keys(name.slice(1))).toEqual([PREFIX + name.slice(1)]);
    },
  );
});

// rclone backend/sftp/sftp.go: Update, SetModTime, Move; operations/copy.go: the partial name.
describe('rclone', () => {
  const OUTSTANDING = 64;

  test.each([0, 40_000, 12 * MiB])(
    '%d bytes under a .partial name, its time set, renamed over NAME',
    async (size) => {
      const bytes = randomBytes(size);
      const partial = `/rclone/name-${size}.b43c50a4.partial`;
      await seed(`rclone/name-${size}`, Buffer.from('older'));
      await expect(client.size(partial)).rejects.toMatchObject({ code: NO_SUCH_FILE });
      await upload(partial, UPLOAD, bytes, OUTSTANDING);
      await setstat(partial, TIMES);
      expect(await client.size(partial)).toBe(size);
      await posixRename(partial, `/rclone/name-${size}`);
      expect(await client.size(`/rclone/name-${size}`)).toBe(size);
      expect(isStored(`rclone/name-${size}`, bytes)).toBe(true);
      await expectOneJob(`rclone/name-${size}`, bytes);
      expect(keys(`rclone/name-${size}`)).toEqual([`${PREFIX}rclone/name-${size}`]);
    },
  );
});

// lftp src/SFtp.cc: SendRequest for STOR, SendArrayInfoRequests, Done.
describe('lftp', () => {
  const OUTSTANDING = 16;

  test.each([0, 12_345, 12 * MiB])(
    '%d bytes, then size and time on the handle before it is closed',
    async (size) => {
      const bytes = randomBytes(size);
      const handle = await client.open(`/lftp/put-${size}`, UPLOAD);
      await client.writeAll(handle, bytes, OUTSTANDING);
      await Promise.all([fsetstat(handle, { size, ...TIMES }), client.close(handle)]);
      expect(isStored(`lftp/put-${size}`, bytes)).toBe(true);
      await expectOneJob(`lftp/put-${size}`, bytes);
    },
  );

  // src/resource.cc: xfer:use-temp-file, xfer:temp-file-name.
  test('with use-temp-file: .in.NAME., then its name', async () => {
    const bytes = randomBytes(70_000);
    const handle = await client.open('/lftp/temp/.in.report.csv.', UPLOAD);
    await client.writeAll(handle, bytes, OUTSTANDING);
    await fsetstat(handle, { size: bytes.length, ...TIMES });
    await client.close(handle);
    await rename('/lftp/temp/.in.report.csv.', '/lftp/temp/report.csv');
    expect(isStored('lftp/temp/report.csv', bytes)).toBe(true);
    await expectOneJob('lftp/temp/report.csv', bytes, '/lftp/temp');
  });

  test('put -c goes on at the remote size and sets the whole size', async () => {
    const bytes = randomBytes(7 * MiB);
    await seed('lftp/continued', bytes.subarray(0, 3_000_000));
    const at = await client.size('/lftp/continued');
    const handle = await client.open('/lftp/continued', RESUME);
    await client.writeAll(handle, bytes.subarray(at), OUTSTANDING, at);
    await fsetstat(handle, { size: bytes.length, ...TIMES });
    await client.close(handle);
    expect(isStored('lftp/continued', bytes)).toBe(true);
    await expectOneJob('lftp/continued', bytes);
  });

  test('an upload over a longer file without truncating ends where the size on the handle says', async () => {
    const bytes = randomBytes(1000);
    await seed('lftp/shorter', randomBytes(6 * MiB));
    const handle = await client.open('/lftp/shorter', RESUME);
    await client.writeAll(handle, bytes, OUTSTANDING);
    await fsetstat(handle, { size: bytes.length, ...TIMES });
    await client.close(handle);
    expect(isStored('lftp/shorter', bytes)).toBe(true);
    await expectOneJob('lftp/shorter', bytes);
  });
});

// jsch ChannelSftp.java: _put with RESUME, 16 requests; the offset is the remote size, without the APPEND flag.
describe('JSch', () => {
  test.each([1, 4 * MiB, 6 * MiB + 1])('RESUME at %d bytes of the remote file', async (begun) => {
    const bytes = randomBytes(11 * MiB);
    await seed(`jsch/${begun}`, bytes.subarray(0, begun));
    const at = await client.size(`/jsch/${begun}`);
    await upload(`/jsch/${begun}`, RESUME, bytes.subarray(at), 16, at);
    expect(isStored(`jsch/${begun}`, bytes)).toBe(true);
    await expectOneJob(`jsch/${begun}`, bytes);
  });
});

// paramiko sftp_client.py putfo and sftp_file.py: answers are only read past 100 of them, STAT follows CLOSE.
describe('paramiko', () => {
  test.each([12_345, 20 * MiB])('STAT sent right behind CLOSE tells the %d bytes', async (size) => {
    const bytes = randomBytes(size);
    const handle = await client.open(`/paramiko/${size}`, UPLOAD);
    await client.writeAll(handle, bytes, 100);
    const [, told] = await Promise.all([client.close(handle), client.size(`/paramiko/${size}`)]);
    expect(told).toBe(size);
    expect(isStored(`paramiko/${size}`, bytes)).toBe(true);
    await expectOneJob(`paramiko/${size}`, bytes);
  });

  test('posix_rename puts the new file in the place of the old', async () => {
    const bytes = randomBytes(100);
    await seed('paramiko/to', Buffer.from('older'));
    await upload('/paramiko/from', UPLOAD, bytes, 1);
    await posixRename('/paramiko/from', '/paramiko/to');
    expect(isStored('paramiko/to', bytes)).toBe(true);
    await expectOneJob('paramiko/from', bytes);
    expect(await client.size('/paramiko/to')).toBe(100);
  });
});

// https://github.com/apache/mina-sshd/issues/861
describe('Apache MINA', () => {
  test('a WRITE without bytes changes nothing, wherever it points', async () => {
    const raw = await client.raw();
    const opened = await raw.send(open(1, '/mina', UPLOAD));
    if (opened.kind !== 'handle') throw new Error(`OPEN was answered by ${opened.kind}`);
    const { handle } = opened;
    const replies = await Promise.all([
      raw.send(write(2, handle, 0, '')),
      raw.send(write(3, handle, 0, 'abc')),
      raw.send(write(4, handle, 3, '')),
      raw.send(write(5, handle, 900 * MiB, '')),
      raw.send(close(6, handle)),
    ]);
    expect(replies).toMatchObject([2, 3, 4, 5, 6].map((id) => ({ kind: 'status', id, code: 0 })));
    raw.end();
    expect(stored('mina')?.toString()).toBe('abc');
  });
});
