import { expect, test } from 'vitest';
import { Ssh2Client } from '../clients/ssh2-client.ts';
import { EventStream } from '../support/event-stream.ts';
import { BUCKET, PREFIX } from '../support/service.ts';
import { UPLOAD } from '../support/sftp-packets.ts';
import { shareService } from '../support/shared-service.ts';

/** What JSON, SQS, headers, logs, terminals and pages could trip over; the last ones as long as a key may be. */
const NAMES = [
  ...[
    '"',
    '\\',
    '\\u0000',
    '\x01',
    '\x1b[2J\x07',
    '\x7f',
    '\u009b31m',
    '\ufffe',
    '\uffff',
    '\ufeffx',
    '\u2028',
    '\u{1f4a9}',
  ],
  ...[
    'a\nb',
    'a\r\nx-amz-acl: public-read',
    '{"level":"error"}',
    ...['\n', '\r', '\x0b', '\x0c', '\x1e', '\u0085', '\u2028', '\u2029'].map(
      (end) => `${end}{"level":"error","msg":"forged"}`,
    ),
    '%s %d %o',
    '$(id)',
  ],
  ...[
    '<script>alert(1)</script>',
    '</script>',
    '\u202egpj.exe',
    '__proto__',
    'constructor',
    '-rf',
    "'; DROP TABLE x; --",
    ' ',
    'a ',
  ],
  ...['\x01'.repeat(255), '"'.repeat(255), '\ufffe'.repeat(85), `${'\x01'.repeat(200)}/`.repeat(5)],
].map((name) => name.replace(/\/$/, ''));

/** Of a line of the log, in bytes: a path of 1,012 control characters, as path and as key, and what else it says. */
const LONGEST_LINE = 32 * 1024;

const shared = shareService({ SLUICE_CONSOLE: '127.0.0.1:0', SLUICE_LOG_LEVEL: 'debug' });

test('a file of any name is stored, logged, shown and has its job under that very name', async () => {
  const { service, around } = shared;
  const { url } = await service.log(({ msg }) => msg === 'console');
  const page = await EventStream.open(String(url));
  await page.event(({ name }) => name === 'state');
  const client = await Ssh2Client.connect(service.port, around.workspace);
  for (const name of NAMES) {
    const path = `/${name}`;
    const handle = await client.open(path, UPLOAD);
    await client.write(handle, 0, Buffer.from(name));
    await client.close(handle);

    expect(
      around.s3
        .objects(BUCKET)
        .get(PREFIX + name)
        ?.body?.toString(),
    ).toBe(name);
    const job = await around.job(path);
    expect(job.subject).toBe(`${BUCKET}/${PREFIX}${name}`);
    expect(job.data).toMatchObject({ path, key: PREFIX + name });
    await service.log((line) => line['msg'] === 'upload finished' && line['path'] === path);
    await page.update((data) => data.ended?.some((each: { path: string }) => each.path === path));
    expect(await client.content(path)).toEqual(Buffer.from(name));
  }
  await client.end();
  await service.log(({ msg }) => msg === 'disconnected');

  // Each line is one of ours: nobody has forged one, or made one that goes on and on.
  const lines = service.running.lines.map(
    (text) => [JSON.parse(text) as Record<string, unknown>, Buffer.byteLength(text)] as const,
  );
  expect(lines.filter(([line]) => line['msg'] === 'forged' || line['service'] !== 'sluice')).toEqual([]);
  expect(Math.max(...lines.map(([, bytes]) => bytes))).toBeLessThan(LONGEST_LINE);
});
