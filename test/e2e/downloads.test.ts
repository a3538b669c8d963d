import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answer, Ssh2Client } from '../clients/ssh2-client.ts';
import { BUCKET, PREFIX, sftp } from '../support/service.ts';
import { Flag } from '../support/sftp-packets.ts';
import { shareService } from '../support/shared-service.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const FAILURE = 4;

const site = shareService();
beforeEach(() => site.around.s3.clearRequests());
afterEach(() => site.around.s3.clearFaults());

const { local } = site;

/** Puts a file of random bytes in place, past the site.service. */
function seed(path: string, size: number): Buffer {
  const bytes = randomBytes(size);
  site.around.s3.seed(BUCKET, PREFIX + path, bytes);
  return bytes;
}

/** First and last byte of every GET of a file so far, in the order of the file. */
function ranges(path: string): { readonly first: number; readonly last: number }[] {
  return site.around.s3.requests
    .filter(({ operation, key }) => operation === 'GetObject' && key === PREFIX + path)
    .map(({ headers }) => {
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
      return { first: Number(first), last: Number(last) };
    })
    .sort((a, b) => a.first - b.first);
}

describe('sftp get', () => {
  /** OpenSSH asks for 255 KiB at a time, or for 32 KiB when told to. */
  test.each([
    ['READs of 255 KiB', []],
    ['READs of 32 KiB', ['-B', '32768']],
  ])('of 64 MiB by %s takes 24 ranged GETs at most, each byte once and of one content', async (_, extra) => {
    const bytes = seed('large', 64 * MiB);
    const { code } = await sftp(site.service, site.around.workspace, [`get /large ${local('large')}`], extra);
    expect(code).toBe(0);
    expect((await readFile(local('large'))).equals(bytes)).toBe(true);

    const fetched = ranges('large');
    expect(fetched.length).toBeLessThanOrEqual(24);
    fetched.forEach(({ first }, index) => {
      expect(first).toBe(index === 0 ? 0 : (fetched[index - 1]?.last ?? 0) + 1);
    });
    expect(fetched.at(-1)?.last).toBe(64 * MiB - 1);
    const { etag } = site.around.s3.objects(BUCKET).get(`${PREFIX}large`) ?? {};
    const gets = site.around.s3.requests.filter(({ operation }) => operation === 'GetObject');
    expect(new Set(gets.map(({ headers }) => headers['if-match']))).toEqual(new Set([etag]));
  });

  test('fetches ahead: the next GET is under way before its bytes are asked for', async () => {
    const bytes = seed('ahead', 8 * MiB);
    const held = site.around.s3.fault({
      operation: 'GetObject',
      key: `${PREFIX}ahead`,
      nth: 2,
      hang: 'request',
    });
    const getting = sftp(site.service, site.around.workspace, [`get /ahead ${local('ahead')}`]);
    await held.reached();
    // The second GET hangs, so no byte of it was served; the third begins all the same.
    await site.around.s3.waitFor(
      ({ operation }) => operation === 'GetObject' && ranges('ahead').length === 3,
    );
    held.release();
    expect((await getting).code).toBe(0);
    expect((await readFile(local('ahead'))).equals(bytes)).toBe(true);
  });

  test.each([2, 5, 12])(
    'of a file that is replaced at its GET %d fails, and gets nothing of the new one',
    async (nth) => {
      const before = seed(`replaced-${nth}`, 32 * MiB);
      const held = site.around.s3.fault({
        operation: 'GetObject',
        key: `${PREFIX}replaced-${nth}`,
        nth,
        hang: 'request',
      });
      const path = local(`replaced-${nth}`);
      const getting = sftp(site.service, site.around.workspace, [`get /replaced-${nth} ${path}`]);
      await held.reached();
      seed(`replaced-${nth}`, 32 * MiB);
      held.release();
      const { code, stderr } = await getting;
      expect(code).toBe(1);
      expect(stderr).not.toBe('');
      const got = await readFile(path);
      expect(got.length).toBeLessThan(before.length);
      expect(got.equals(before.subarray(0, got.length))).toBe(true);
    },
  );

  test('of a file whose GET fails once in S3 comes back whole: the SDK tries again', async () => {
    const bytes = seed('shaky', 8 * MiB);
    site.around.s3.fault({
      operation: 'GetObject',
      key: `${PREFIX}shaky`,
      nth: 4,
      respond: { status: 503, code: 'SlowDown' },
    });
    const { code } = await sftp(site.service, site.around.workspace, [`get /shaky ${local('shaky')}`]);
    expect(code).toBe(0);
    expect((await readFile(local('shaky'))).equals(bytes)).toBe(true);
  });
});

describe('a client that reads as it likes', () => {
  let client: Ssh2Client;

  beforeAll(async () => {
    client = await Ssh2Client.connect(site.service.port, site.around.workspace);
  });
  afterAll(() => client?.end());

  /** One READ; ssh2 answers what is at the end of the file with no bytes. */
  async function read(handle: Buffer, offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.alloc(length);
    const count = await answer<number>((done) => client.sftp.read(handle, buffer, 0, length, offset, done));
    return buffer.subarray(0, count);
  }

  test('gets what is there: two thousand random reads, 32 at a time', async () => {
    const bytes = seed('random', 20 * MiB);
    const handle = await client.open('/random', Flag.READ);
    let state = 1;
    const random = (limit: number) => {
      state = (state * 48_271) % 0x7fffffff;
      return state % limit;
    };
    const reads = Array.from({ length: 2000 }, () => ({
      offset: random(bytes.length),
      length: 1 + random(40_000),
    }));
    const wrong: number[] = [];
    const queue = reads.values();
    const readers = Array.from({ length: 32 }, async () => {
      for (const { offset, length } of queue) {
        const got = await read(handle, offset, length);
        if (!got.equals(bytes.subarray(offset, offset + length))) wrong.push(offset);
      }
    });
    await Promise.all(readers);
    expect(wrong).toEqual([]);
    await client.close(handle);
  });

  test('gets what is there: two streams in one handle, and backwards', async () => {
    const bytes = seed('streams', 4 * MiB);
    const handle = await client.open('/streams', Flag.READ);
    const offsets: number[] = [];
    for (let at = 0; at < 2 * MiB; at += 100_000) offsets.push(at, 2 * MiB + at);
    for (let at = 4 * MiB - 100_000; at > 0; at -= 100_000) offsets.push(at);
    const got = await Promise.all(offsets.map((at) => read(handle, at, 100_000)));
    const wrong = offsets.filter((at, index) => !got[index]?.equals(bytes.subarray(at, at + 100_000)));
    expect(wrong).toEqual([]);
    await client.close(handle);
  });

  test('gets FAILURE from then on once the file is replaced, for bytes that were held too', async () => {
    const bytes = seed('stale', 4 * MiB);
    const handle = await client.open('/stale', Flag.READ);
    expect((await read(handle, 0, 1000)).equals(bytes.subarray(0, 1000))).toBe(true);
    seed('stale', 4 * MiB);
    // Held since the first read.
    expect((await read(handle, 1000, 1000)).equals(bytes.subarray(1000, 2000))).toBe(true);
    await expect(read(handle, 3 * MiB, 1000)).rejects.toMatchObject({ code: FAILURE });
    await expect(read(handle, 0, 1000)).rejects.toMatchObject({ code: FAILURE });
    await client.close(handle);
    expect(site.service.logged('request failed')).toEqual([]);
  });
});
