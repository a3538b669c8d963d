import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { FileEntryWithStats } from 'ssh2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUCKET, PREFIX } from '../support/service.ts';
import { extended, Flag, open, str, UPLOAD, write } from '../support/sftp-packets.ts';
import { shareService } from '../support/shared-service.ts';
import { answer, KiB, MiB, Ssh2Client, settled, slices } from './ssh2-client.ts';

const OP_UNSUPPORTED = 8;

const site = shareService();
let client: Ssh2Client;

beforeAll(async () => {
  client = await Ssh2Client.connect(site.service.port, site.around.workspace);
});
afterAll(() => client?.end());

const { local, localFile, stored } = site;
const isStored = (path: string, bytes: Buffer) => stored(path)?.equals(bytes);

const fastPut = (name: string, path: string) =>
  settled((done) => client.sftp.fastPut(local(name), path, { concurrency: 64 }, done));

describe('uploads', () => {
  test.each([30 * MiB, 5 * MiB + 1, 1, 0])('fastPut, 64 writes at once: %d bytes arrive', async (size) => {
    const bytes = await localFile(`fast-${size}`, size);
    await fastPut(`fast-${size}`, `/fast-${size}`);
    expect(isStored(`fast-${size}`, bytes)).toBe(true);
    expect((await site.around.job(`/fast-${size}`)).data.size).toBe(size);
  });

  test('two fastPuts at once on one SFTP session do not mix', async () => {
    const [one, two] = await Promise.all([localFile('one', 12 * MiB), localFile('two', 7 * MiB + 1)]);
    await Promise.all([fastPut('one', '/one'), fastPut('two', '/two')]);
    expect(isStored('one', one)).toBe(true);
    expect(isStored('two', two)).toBe(true);
  });

  test('a write stream that never waits for an answer arrives whole', async () => {
    const bytes = randomBytes(11 * MiB + 7);
    const stream = client.sftp.createWriteStream('/stream');
    for (const { slice } of slices(bytes, 50_000)) stream.write(slice);
    stream.end();
    await once(stream, 'close');
    expect(isStored('stream', bytes)).toBe(true);
  });

  test.each([256 * KiB, 640 * KiB])(
    'writes in reversed order within %d bytes fall into place',
    async (reach) => {
      const bytes = randomBytes(11 * MiB + 5);
      const path = `reversed-${reach}`;
      const handle = await client.open(`/${path}`, UPLOAD);
      for (const { at, slice } of slices(bytes, reach)) {
        const backwards = slices(slice, 32 * KiB).reverse();
        await Promise.all(backwards.map((chunk) => client.write(handle, at + chunk.at, chunk.slice)));
      }
      await client.close(handle);
      expect(isStored(path, bytes)).toBe(true);
    },
  );

  test('a file opened for reading too reads what has been written so far', async () => {
    const bytes = randomBytes(100_000);
    const handle = await client.open('/both', UPLOAD | Flag.READ);
    await client.write(handle, 0, bytes);
    const target = Buffer.alloc(10);
    await answer((done) => client.sftp.read(handle, target, 0, 10, 5000, done));
    expect(target.equals(bytes.subarray(5000, 5010))).toBe(true);
    await client.close(handle);
    expect(isStored('both', bytes)).toBe(true);
    expect((await client.content('/both')).equals(bytes)).toBe(true);
  });
});

describe('downloads', () => {
  test.each([30 * MiB, 1, 0])('fastGet, 64 reads at once: %d bytes come back', async (size) => {
    const bytes = randomBytes(size);
    await site.around.s3.seed(BUCKET, `${PREFIX}get-${size}`, bytes);
    await settled((done) =>
      client.sftp.fastGet(`/get-${size}`, local(`got-${size}`), { concurrency: 64 }, done),
    );
    expect((await readFile(local(`got-${size}`))).equals(bytes)).toBe(true);
  });
});

describe('listings', () => {
  const names = Array.from({ length: 1500 }, (_, index) => `file ${String(index).padStart(4, '0')}`);

  test('READDIRs sent at once are answered in order: every name once, then the end', async () => {
    for (const name of names) await site.around.s3.seed(BUCKET, `${PREFIX}many/${name}`, Buffer.from(name));
    const handle = await answer<Buffer>((done) => client.sftp.opendir('/many', done));
    const listed: string[] = [];
    const ends: number[] = [];
    const requests = Array.from({ length: 64 }, async (_, index) => {
      try {
        const entries = await answer<FileEntryWithStats[]>((done) => client.sftp.readdir(handle, done));
        listed.push(...entries.map(({ filename }) => filename));
      } catch (error) {
        expect(error).toMatchObject({ code: 1 });
        ends.push(index);
      }
    });
    await Promise.all(requests);
    // ssh2 itself leaves `.` and `..` out.
    expect(listed).toEqual(names);
    expect(ends).toEqual(Array.from({ length: ends.length }, (_, index) => 64 - ends.length + index));
    await client.close(handle);
  });

  test('a listing that is never read to its end does no harm', async () => {
    const handle = await answer<Buffer>((done) => client.sftp.opendir('/many', done));
    await answer((done) => client.sftp.readdir(handle, done));
    await client.close(handle);
    expect(await client.size('/many/file 0000')).toBe(9);
  });
});

describe('requests that ssh2 does not send itself', () => {
  test('an extension that is not advertised is refused, and the session goes on', async () => {
    const raw = await client.raw();
    const refused = await raw.send(extended(1, 'check-file-handle', str('0')));
    expect(refused).toMatchObject({ kind: 'status', id: 1, code: OP_UNSUPPORTED });
    expect(await raw.send(open(2, '/not-there', Flag.READ))).toMatchObject({ kind: 'status', code: 2 });
    raw.end();
  });

  test('a WRITE to a handle of another session is refused', async () => {
    const raw = await client.raw();
    const handle = await client.open('/mine', UPLOAD);
    const reply = await raw.send(write(1, handle.toString('latin1'), 0, 'theirs'));
    expect(reply).toMatchObject({ kind: 'status', code: 4 });
    raw.end();
    await client.close(handle);
    expect(stored('mine')?.length).toBe(0);
  });
});
