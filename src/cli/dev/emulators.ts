import type { AddressInfo } from 'node:net';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { AwsConfig } from '../../config/load.ts';

export const BUCKET = 'sluice-dev';
const QUEUE = 'sluice-dev-jobs';
const CONSUMER_QUEUE = 'sluice-dev-consumer';

/** S3 and SQS in this process, by their real protocols, everything in memory. */
export interface Emulators {
  readonly aws: AwsConfig & Required<Pick<AwsConfig, 'endpoint' | 'credentials' | 'region'>>;
  readonly queueUrl: string;
  /** Has a copy of each job that was received, for whoever tries a consumer of their own. */
  readonly consumerQueueUrl: string;
  stop(): Promise<void>;
}

/** @throws when the emulator is not installed: it is a development dependency, not one of the server. */
export async function startEmulators(): Promise<Emulators> {
  const { buildApp } = await import('fauxqs').catch(() => {
    throw new Error('sluice dev needs the package "fauxqs" (S3 and SQS in process): npm install fauxqs@1');
  });
  const app = buildApp({ logger: false });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const aws = {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'dev', secretAccessKey: 'dev' },
  };
  const s3 = new S3Client({ ...aws, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  s3.destroy();
  const sqs = new SQSClient(aws);
  const createQueue = async (QueueName: string) =>
    (await sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl ?? '';
  const queueUrl = await createQueue(QUEUE);
  const consumerQueueUrl = await createQueue(CONSUMER_QUEUE);
  sqs.destroy();
  const stop = async () => {
    app.server.closeAllConnections();
    await app.close();
  };
  return { aws, queueUrl, consumerQueueUrl, stop };
}
