import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startHeaderProxy } from '../../test/support/header-proxy.ts';
import { proxyHeaderFrom } from '../../test/support/proxy-header.ts';
import { type Service, sftp, startService } from '../../test/support/service.ts';
import { createWorkspace, USERNAME, type Workspace } from '../../test/support/workspace.ts';
import { type Deployed, deploy } from './deploy.ts';

/** Where a partner is said to connect from. */
const CLIENT_ADDRESS = '192.0.2.7';
const FILE_BYTES = 20 * 1024 * 1024;

/** Of the emulator, for this process and for the service: what ECS gives a task by itself. */
const PLATFORM = ['AWS_ENDPOINT_URL', 'AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const;

// Deploys the stack to the emulator that AWS_ENDPOINT_URL names, and runs the service as it would there.
const platform = Object.fromEntries(PLATFORM.map((name) => [name, required(name)]));
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
const workspace = await createWorkspace();
try {
  const deployed = await deploy({
    stackName: `Sluice${randomBytes(3).toString('hex')}`,
    users: await readFile(workspace.usersFile, 'utf8'),
  });
  tell(deployed);
  await tryOut(deployed, workspace);
} finally {
  await workspace.remove();
}

function tell({ status, made, unknown, outputs, inItsStead }: Deployed): void {
  say(`${status}: ${[...made.values()].reduce((a, b) => a + b, 0)} resources`);
  const list = (counts: ReadonlyMap<string, number>) =>
    [...counts].map(([type, count]) => (count === 1 ? type : `${count} ${type}`)).join(', ');
  say(`made: ${list(made)}`);
  say(`not known to the emulator, and passed over by it: ${list(unknown)}`);
  for (const sentence of inItsStead) say(`in its stead: ${sentence}`);
  for (const [name, value] of outputs) say(`output ${name}: ${value.replaceAll('\n', ', ')}`);
  if (status !== 'CREATE_COMPLETE') throw new Error('the stack is not complete');
}

/** Uploads a file to the service as the container would run it, and waits for its job. */
async function tryOut({ environment, outputs }: Deployed, workspace: Workspace): Promise<void> {
  const service = await startService({ ...platform, ...environment });
  try {
    say(
      `listening on ${service.port}, by the environment of the container and nothing else but ${PLATFORM.join(', ')}`,
    );
    const content = randomBytes(FILE_BYTES);
    await writeFile(workspace.path('report.bin'), content);
    await upload(service, workspace);
    const job = await receiveJob(outputs.get('QueueUrl') as string);
    say(`job: ${JSON.stringify(job)}`);
    const { bucket, key, clientAddress } = job.data;
    const stored = await new S3Client({ forcePathStyle: true }).send(
      new GetObjectCommand({ Bucket: bucket, Key: key }),
    );
    const bytes = Buffer.from((await stored.Body?.transformToByteArray()) ?? []);
    if (!bytes.equals(content)) throw new Error('the object is not the file');
    if (clientAddress !== CLIENT_ADDRESS) throw new Error(`the client's address is ${clientAddress}`);
    say(`the object ${bucket}/${key} is the file, byte for byte`);
  } finally {
    const { code } = await service.stop();
    say(`the service ended with ${code}`);
  }
}

/** Through what stands for the load balancer. */
async function upload(service: Service, workspace: Workspace): Promise<void> {
  const balancer = await startHeaderProxy(service.port, proxyHeaderFrom(CLIENT_ADDRESS, 40_000));
  try {
    const put = `put ${workspace.path('report.bin')} /report.bin`;
    const { code, stderr } = await sftp({ port: balancer.port }, workspace, [put]);
    if (code !== 0) throw new Error(`sftp ended with ${code}: ${stderr}`);
    say(`sftp as ${USERNAME}: the upload is OK`);
  } finally {
    await balancer.close();
  }
}

interface Job {
  readonly data: { readonly bucket: string; readonly key: string; readonly clientAddress: string };
}

async function receiveJob(queueUrl: string): Promise<Job> {
  const { Messages = [] } = await new SQSClient({ useQueueUrlAsEndpoint: false }).send(
    new ReceiveMessageCommand({ QueueUrl: queueUrl, WaitTimeSeconds: 20 }),
  );
  if (Messages.length !== 1) throw new Error(`${Messages.length} jobs came instead of one`);
  return JSON.parse(Messages[0]?.Body as string) as Job;
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} has to be set, to what the emulator takes`);
  return value;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
