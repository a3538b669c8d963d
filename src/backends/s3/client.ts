import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';
import type { AwsConfig } from '../../config/load.ts';

const MAX_SOCKETS = 256;

/**
 * The S3 client as uploads need it: our own CRC32s instead of the SDK's, payloads not hashed for the signature
 * (over TLS that adds nothing to the CRC32 that S3 verifies, and it is most of the SDK's CPU time), connections
 * kept, no waiting for `100 Continue` before every part.
 */
export function createS3Client({ endpoint, region, credentials }: AwsConfig): S3Client {
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: 4,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: 5_000,
      socketTimeout: 60_000,
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent(agent),
    },
  });
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { body?: unknown; headers?: Record<string, string> };
      if (request.headers && request.body instanceof Uint8Array) {
        request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
      }
      return next(args);
    },
    { step: 'build', name: 'sluiceUnsignedPayload', tags: ['UNSIGNED_PAYLOAD'] },
  );
  return client;
}
