import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Running } from '../support/processes.ts';
import {
  BUCKET,
  COMMAND,
  createSurroundings,
  PREFIX,
  type Service,
  type Surroundings,
  sftp,
  startService,
} from '../support/service.ts';
import { startStrictS3 } from '../support/strict-s3/server.ts';
import { startTlsFront, type TlsFront } from '../support/tls-front.ts';

const MiB = 1024 * 1024;

let around: Surroundings;
let front: TlsFront;
let service: Service;

beforeAll(async () => {
  around = await createSurroundings();
  front = await startTlsFront(around.s3.endpoint, around.workspace.folder);
  service = await startService({
    ...around.env,
    AWS_ENDPOINT_URL_S3: front.endpoint,
    NODE_EXTRA_CA_CERTS: front.certificateFile,
  });
});
afterAll(async () => {
  await service.stop();
  await front.close();
  await around.close();
});

test.each([1, 20 * MiB + 1])(
  'a file of %d bytes goes to S3 and comes back by TLS, the larger one mostly past the SDK',
  async (size) => {
    const bytes = randomBytes(size);
    const [up, down] = ['up', 'down'].map((name) => `${around.workspace.folder}/${name}-${size}`) as [
      string,
      string,
    ];
    await writeFile(up, bytes);
    const { code, stderr } = await sftp(service, around.workspace, [`put ${up} /file`, `get /file ${down}`]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect((await readFile(down)).equals(bytes)).toBe(true);
    await around.job('/file');
    const gets = around.s3.requests.filter(
      ({ operation, key }) => operation === 'GetObject' && key === `${PREFIX}file`,
    );
    const bySdk = gets.filter(({ headers }) => headers['amz-sdk-invocation-id'] !== undefined);
    expect(bySdk).toHaveLength(1);
  },
);

test('a store whose certificate nobody knows is not spoken to', async () => {
  const store = await startStrictS3({ buckets: [BUCKET] });
  const unknown = await startTlsFront(store.endpoint, around.workspace.folder);
  const stranger = new Running(process.execPath, [...COMMAND, 'serve'], {
    env: { ...around.env, AWS_ENDPOINT_URL_S3: unknown.endpoint },
  });
  await stranger.line((line) => line.includes('cannot be reached: self-signed certificate'));
  stranger.kill('SIGTERM');
  await stranger.exited;
  expect(store.requests).toEqual([]);
  await unknown.close();
  await store.close();
});
