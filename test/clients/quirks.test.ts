import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  close,
  fstat,
  lstat,
  open,
  packet,
  setstat,
  str,
  UPLOAD,
  u32,
  u64,
  write,
} from '../support/sftp-packets.ts';
import { shareService } from '../support/shared-service.ts';
import { Ssh2Client } from './ssh2-client.ts';

const site = shareService();
let client: Ssh2Client;

beforeAll(async () => {
  client = await Ssh2Client.connect(site.service.port, site.around.workspace);
});
afterAll(() => client?.end());
const { stored } = site;
async function opened(path: string) {
  const raw = await client.raw();
  const reply = await raw.send(open(1, path, UPLOAD));
  if (reply.kind !== 'handle') throw new Error(`OPEN was answered by ${reply.kind}`);
  return { raw, handle: reply.handle };
}

test('bytes behind the payload of a WRITE are passed over, as OpenSSH does (pkg/sftp before 1.13.6 sends them)', async () => {
  const { raw, handle } = await opened('/trailing');
  const padded = packet(6, u32(2), str(handle), u64(0), str('payload'), Buffer.alloc(25_000));
  expect(await raw.send(padded)).toMatchObject({ id: 2, code: 0 });
  expect(await raw.send(write(3, handle, 7, ' end'))).toMatchObject({ id: 3, code: 0 });
  expect(await raw.send(close(4, handle))).toMatchObject({ id: 4, code: 0 });
  raw.end();
  expect(stored('trailing')?.toString()).toBe('payload end');
});

test('a WRITE that cannot be read spoils its upload: CLOSE fails, nothing is stored', async () => {
  const { raw, handle } = await opened('/spoilt');
  await raw.send(write(2, handle, 5, 'later'));
  const short = packet(6, u32(3), str(handle), u64(0), u32(100), Buffer.from('first'));
  expect(await raw.send(short)).toMatchObject({ id: 3, code: 5 });
  expect(await raw.send(close(4, handle))).toMatchObject({ id: 4, code: 4 });
  raw.end();
  expect(stored('spoilt')).toBeUndefined();
});

test('a WRITE past 2^53 spoils its upload too', async () => {
  const { raw, handle } = await opened('/far');
  const far = packet(6, u32(3), str(handle), u64(2n ** 60n), str('x'));
  expect(await raw.send(far)).toMatchObject({ id: 3 });
  expect(await raw.send(close(4, handle))).toMatchObject({ id: 4, code: 4 });
  raw.end();
  expect(stored('far')).toBeUndefined();
});

test('a file that is being written is there for its own session (sshfs: OPEN, LSTAT behind it, FSTAT)', async () => {
  const raw = await client.raw();
  const [o, l] = await Promise.all([raw.send(open(1, '/fresh', UPLOAD)), raw.send(lstat(2, '/fresh'))]);
  expect(l).toMatchObject({ kind: 'attrs', attributes: { size: 0 } });
  if (o.kind !== 'handle') throw new Error('no handle');
  await raw.send(write(3, o.handle, 0, 'abc'));
  expect(await raw.send(fstat(4, o.handle))).toMatchObject({ attributes: { size: 3 } });
  expect(await raw.send(lstat(5, '/fresh'))).toMatchObject({ attributes: { size: 3 } });
  expect(await raw.send(setstat(6, '/fresh', Buffer.concat([u32(8), u32(1), u32(1)])))).toMatchObject({
    code: 0,
  });
  expect(await raw.send(close(7, o.handle))).toMatchObject({ code: 0 });
  raw.end();
});
