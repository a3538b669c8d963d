import { SQSClient } from '@aws-sdk/client-sqs';
import { addExpressLane } from '../aws/express-lane.ts';
import type { AwsConfig } from '../config/load.ts';
import { SQS_EXPRESS_CALLS } from './express.ts';

/** The SQS client: a job is waited for by a client's CLOSE, so it gives up sooner than the SDK would. */
export function createSqsClient({ endpoint, region, credentials }: AwsConfig): SQSClient {
  const client = new SQSClient({
    // The queue's URL names its host too; where an endpoint is set, that one is meant.
    ...(endpoint === undefined ? {} : { endpoint, useQueueUrlAsEndpoint: false }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
  });
  addExpressLane(client, SQS_EXPRESS_CALLS);
  return client;
}
