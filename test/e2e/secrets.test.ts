import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sftpByPassword } from '../support/askpass.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { TEST_CREDENTIALS } from '../support/s3-subject.ts';
import { createSurroundings, type Surroundings, sftp, startService } from '../support/service.ts';
import { PASSWORD, USERNAME } from '../support/workspace.ts';

const WRONG_PASSWORD = 'the-wrong-password-of-somebody';
const CONTENT = 'what-stands-in-the-file-is-nobodys-business ';

let around: Surroundings;
let receiver: OtlpReceiver;
/** Everything that left the service by way of telemetry. */
let told: Readonly<Record<string, Buffer>>;

beforeAll(async () => {
  around = await createSurroundings();
  receiver = await startOtlpReceiver();
  const { workspace } = around;
  const service = await startService({
    ...around.env,
    SLUICE_LOG_LEVEL: 'trace',
    SLUICE_TRACE_CHUNKS: 'each',
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_METRICS_EXPORTER: 'otlp,prometheus',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
  });
  const file = workspace.path('file');
  await writeFile(file, CONTENT.repeat(400_000));
  await sftpByPassword(service, workspace, USERNAME, PASSWORD, [`put ${file} /by-password`]);
  await sftpByPassword(service, workspace, USERNAME, WRONG_PASSWORD);
  await sftpByPassword(service, workspace, 'nobody', WRONG_PASSWORD);
  await sftp(service, workspace, [`put ${file} /by-key`, `get /by-key ${workspace.path('got')}`]);
  around.s3.fault({ operation: 'UploadPart', respond: { status: 403, code: 'SignatureDoesNotMatch' } });
  await sftp(service, workspace, [`put ${file} /failed`]);
  around.s3.clearFaults();
  const scraped = await fetch(`http://127.0.0.1:${service.healthPort}/metrics`);
  expect(scraped.status).toBe(200);
  const metrics = Buffer.from(await scraped.arrayBuffer());
  const { stdout, stderr } = await service.stop();
  told = { traces: Buffer.concat(receiver.bodies), metrics, log: Buffer.from(stdout + stderr) };
});
afterAll(async () => {
  await receiver?.close();
  await around?.close();
});

/** As it is, and as it would be in hexadecimal or base64, whatever comes before it there. */
function* spellings(secret: Buffer): Generator<Buffer> {
  yield secret;
  yield Buffer.from(secret.toString('hex'));
  for (const skipped of [0, 1, 2]) {
    const encoded = secret.subarray(skipped).toString('base64');
    yield Buffer.from(encoded.slice(0, encoded.length - 4));
  }
}

/** The lines of a private key, of which each is secret. */
async function linesOfKey(file: string): Promise<string[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line.length > 40);
  // What comes first says only what kind of key it is.
  return lines.slice(1).filter((line) => !line.startsWith('-----'));
}

async function secrets(): Promise<string[]> {
  const { workspace } = around;
  const { users } = JSON.parse(await readFile(workspace.usersFile, 'utf8')) as {
    users: { passwordHash: string }[];
  };
  const hash = users[0]?.passwordHash ?? '';
  const files = (await readdir(workspace.hostKeysDir)).filter((name) => !name.endsWith('.pub'));
  const keys = [workspace.identity, ...files.map((name) => join(workspace.hostKeysDir, name))];
  return [
    PASSWORD,
    WRONG_PASSWORD,
    hash.slice(hash.lastIndexOf('$') + 1),
    TEST_CREDENTIALS.secretAccessKey,
    CONTENT.trim(),
    ...(await Promise.all(keys.map(linesOfKey))).flat(),
  ];
}

describe('nothing that leaves by way of telemetry', () => {
  test.each(['traces', 'metrics', 'log'])('tells a secret or content: %s', async (what) => {
    const text = told[what] as Buffer;
    const found = (await secrets()).filter((secret) =>
      [...spellings(Buffer.from(secret))].some((spelling) => text.includes(spelling)),
    );
    expect(found).toEqual([]);
  });

  test('is nothing: each tells what happened', () => {
    expect(told['traces']?.includes('/by-password')).toBe(true);
    expect(told['traces']?.includes('sluice.backend.operation.duration')).toBe(true);
    expect(told['metrics']?.includes('sluice_uploads_total{')).toBe(true);
    expect(told['log']?.includes('"activityType":"AUTH_FAILURE"')).toBe(true);
    expect(told['log']?.includes('"/failed"')).toBe(true);
  });
});
