import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { BUCKET, PREFIX, remote, scp } from '../support/service.ts';
import { shareService } from '../support/shared-service.ts';

const MiB = 1024 * 1024;

/** A service with a policy, and what its clients do. */
function serveWith(policy: string) {
  const site = shareService({ SLUICE_DUPLICATES: policy });
  const { local, run, stored } = site;
  return {
    get around() {
      return site.around;
    },
    run,
    localFile: async (name: string, content: string | Buffer) => {
      await writeFile(local(name), content);
      return local(name);
    },
    copy: (from: string, to: string) => scp(site.service, site.around.workspace, [from, remote(to)]),
    stored: (path: string) => stored(path)?.toString(),
    seed: (path: string, content: string) => site.around.s3.seed(BUCKET, PREFIX + path, Buffer.from(content)),
    keys: (below: string) =>
      [...site.around.s3.objects(BUCKET).keys()].filter((key) => key.startsWith(PREFIX + below)),
    /** What was made in the bucket below a path, and on which condition. */
    made: (path: string) =>
      site.around.s3.requests
        .filter(
          ({ operation, key }) =>
            ['PutObject', 'CompleteMultipartUpload', 'CopyObject'].includes(operation ?? '') &&
            key?.startsWith(PREFIX + path),
        )
        .map(({ operation, headers }) => `${operation} ${headers['if-none-match']}`),
  };
}

describe('SLUICE_DUPLICATES=reject', () => {
  const site = serveWith('reject');

  test('sftp and scp give new names, on the condition that nobody else does', async () => {
    const small = await site.localFile('small', 'new');
    const large = await site.localFile('large', Buffer.alloc(6 * MiB));
    expect(await site.run(`put ${small} /new-sftp`, `put ${large} /new-large`)).toMatchObject({ code: 0 });
    expect(await site.copy(small, '/new-scp')).toMatchObject({ code: 0 });
    expect([site.stored('new-sftp'), site.stored('new-scp')]).toEqual(['new', 'new']);
    expect(site.made('new-')).toEqual(['PutObject *', 'CompleteMultipartUpload *', 'PutObject *']);
  });

  test('neither of them replaces a file: they fail and say so', async () => {
    const small = await site.localFile('small', 'new');
    site.seed('taken', 'older');
    for (const attempt of [site.run(`put ${small} /taken`), site.copy(small, '/taken')]) {
      const { code, stderr } = await attempt;
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/exists already|Failure/i);
    }
    expect(site.stored('taken')).toBe('older');
    expect(site.made('taken')).toEqual([]);
  });

  test('a file under a temporary name is replaced, gone on with and delivered once, but not over another', async () => {
    const begun = await site.localFile('begun', 'begun');
    const whole = await site.localFile('whole', 'begun and ended');
    site.seed('report.csv', 'older');
    const upload = [`put ${begun} /report.csv.filepart`, `reput ${whole} /report.csv.filepart`];
    const { code, stderr } = await site.run(...upload, 'rename /report.csv.filepart /report.csv');
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/exists already|Failure/i);
    expect(await site.run('rename /report.csv.filepart /other.csv')).toMatchObject({ code: 0 });
    expect([site.stored('report.csv'), site.stored('other.csv')]).toEqual(['older', 'begun and ended']);
    expect(site.made('other.csv')).toEqual(['CopyObject *']);
    await site.around.job('/other.csv');
    expect(site.around.jobs.map(({ data }) => data.path)).not.toContain('/report.csv');
  });
});

describe('SLUICE_DUPLICATES=version', () => {
  const site = serveWith('version');

  /** The one file beside another: its key, and the path that its client would see. */
  function beside(path: string): { readonly key: string; readonly path: string } {
    const [key = '', ...more] = site.keys(path).filter((each) => each !== `${PREFIX}${path}.csv`);
    expect(more).toEqual([]);
    expect(key).toMatch(/\.\d{8}T\d{6}Z-[0-9a-f]{8}\.csv$/);
    return { key, path: `/${key.slice(PREFIX.length)}` };
  }

  async function expectBoth(path: string, content: string): Promise<void> {
    const other = beside(path);
    expect(site.stored(`${path}.csv`)).toBe('older, and longer');
    expect(site.stored(other.path.slice(1))).toBe(content);
    const { data } = await site.around.job(other.path);
    expect(data).toMatchObject({ ...other, requestedPath: `/${path}.csv`, size: content.length });
  }

  test('sftp uploads beside the file that has the name, and the job tells both', async () => {
    site.seed('sftp.csv', 'older, and longer');
    const file = await site.localFile('file', 'new');
    expect(await site.run(`put ${file} /sftp.csv`)).toMatchObject({ code: 0 });
    await expectBoth('sftp', 'new');
    expect(site.made('sftp.')).toEqual(['PutObject *']);
  });

  test('so does scp, which opens without truncation and cuts at the end', async () => {
    site.seed('scp.csv', 'older, and longer');
    const file = await site.localFile('file', 'new');
    expect(await site.copy(file, '/scp.csv')).toMatchObject({ code: 0 });
    await expectBoth('scp', 'new');
  });

  test('what is gone on with has the older bytes at its beginning, copied within S3', async () => {
    site.seed('reput.csv', 'older, and longer');
    const file = await site.localFile('longer', 'older, and longer: longer still');
    expect(await site.run(`reput ${file} /reput.csv`)).toMatchObject({ code: 0 });
    await expectBoth('reput', 'older, and longer: longer still');
  });

  test('a new file of several parts over an older one, byte by byte as scp writes it', async () => {
    const older = 'o'.repeat(13 * MiB);
    const newer = 'n'.repeat(12 * MiB);
    site.seed('large.csv', older);
    const file = await site.localFile('large', newer);
    expect(await site.copy(file, '/large.csv')).toMatchObject({ code: 0 });
    const { path } = beside('large');
    expect(site.stored(path.slice(1)) === newer).toBe(true);
    expect(site.stored('large.csv') === older).toBe(true);
    expect(site.made('large.')).toEqual(['CompleteMultipartUpload *']);
  });

  test('a file under a temporary name is delivered beside the file that has the name', async () => {
    site.seed('staged.csv', 'older, and longer');
    const file = await site.localFile('file', 'new');
    const { code } = await site.run(
      `put ${file} /staged.csv.filepart`,
      'rename /staged.csv.filepart /staged.csv',
    );
    expect(code).toBe(0);
    await expectBoth('staged', 'new');
    expect(site.made('staged.2')).toEqual(['CopyObject *']);
  });

  test('a new name is given as it is asked for', async () => {
    const file = await site.localFile('file', 'new');
    expect(await site.run(`put ${file} /new.csv`)).toMatchObject({ code: 0 });
    expect(site.keys('new')).toEqual([`${PREFIX}new.csv`]);
    expect((await site.around.job('/new.csv')).data.requestedPath).toBeUndefined();
  });
});
