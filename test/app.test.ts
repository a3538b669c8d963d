import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { loadConfig } from '../src/config/load.ts';
import { createConfiguredApp } from '../src/configured-app.ts';
import { loadMaterials } from '../src/materials.ts';
import { noTelemetry } from '../src/telemetry/no-telemetry.ts';
import { createS3Subject, type S3Subject, TEST_CREDENTIALS, TEST_REGION } from './support/s3-subject.ts';
import { type StrictS3, startStrictS3 } from './support/strict-s3/server.ts';
import { createWorkspace, type Workspace } from './support/workspace.ts';

const Bucket = 'uploads';
const HOUR_MS = 3_600_000;

let workspace: Workspace;
let s3: StrictS3;
let subject: S3Subject;

beforeEach(async () => {
  workspace = await createWorkspace();
  s3 = await startStrictS3({ buckets: [Bucket] });
  subject = createS3Subject(s3.endpoint, Bucket);
  vi.stubEnv('AWS_ACCESS_KEY_ID', TEST_CREDENTIALS.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', TEST_CREDENTIALS.secretAccessKey);
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  subject.close();
  await s3.close();
  await workspace.remove();
});

/** A multipart upload that was begun so long ago. */
async function beginUpload(Key: string, ageMs: number): Promise<void> {
  await subject.store.client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  s3.openUploads(Bucket)
    .find((upload) => upload.key === Key)
    ?.initiated.setTime(Date.now() - ageMs);
}

test('a service that listens sweeps what dead ones have left behind, and nothing younger', async () => {
  await beginUpload('stale', 3 * HOUR_MS);
  await beginUpload('young', HOUR_MS);
  const config = loadConfig(
    {
      SLUICE_HOST: '127.0.0.1',
      SLUICE_PORT: '0',
      SLUICE_HOST_KEYS_DIR: workspace.hostKeysDir,
      SLUICE_USERS_FILE: workspace.usersFile,
      SLUICE_BUCKET: Bucket,
      SLUICE_STALE_UPLOAD_HOURS: '2',
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_REGION: TEST_REGION,
    },
    {},
  );
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const app = await createConfiguredApp(config, await loadMaterials(config), { log, ...noTelemetry() });
  // A sweep begins at a random moment of the first minute: here at its beginning.
  vi.spyOn(Math, 'random').mockReturnValue(0);
  await app.listen();
  // One belongs to what finds out at the start what the store can do.
  const abortOf = (mine: boolean) => (request: StrictS3['requests'][number]) =>
    request.operation === 'AbortMultipartUpload' &&
    request.status === 204 &&
    request.key?.startsWith('.sluice/') === mine;
  await Promise.all([s3.waitFor(abortOf(true)), s3.waitFor(abortOf(false))]);
  await app.close(0);
  expect(s3.openUploads(Bucket).map(({ key }) => key)).toEqual(['young']);
});
