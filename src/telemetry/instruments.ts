import type { Attributes } from '@opentelemetry/api';

/** Every name that spans carry, in one place: docs/telemetry.md is the same table for people. */
export const SpanName = {
  UPLOAD: 'sluice.upload',
  SQS_SEND: 'sqs.send',
  /** Instead of it, where jobs go somewhere else. */
  JOB_PUBLISH: 'job.publish',
  /** From the TCP connection to the answer to who it is. */
  LOGIN: 'ssh.login',
  /** One attempt. */
  AUTHENTICATE: 'ssh.authenticate',
  /** `sftp.<operation>`: the root of a request outside uploads. */
  request: (operation: string) => `sftp.${operation}`,
  /** `backend.<operation>`: one call of the contract. */
  backend: (operation: string) => `backend.${operation}`,
  /** `S3.PutObject`, ...: one call of the AWS SDK. */
  awsCall: (service: string, method: string) => `${service}.${method}`,
} as const;

export const Attribute = {
  BACKEND: 'sluice.backend',
  PATH: 'sluice.path',
  TARGET_PATH: 'sluice.target_path',
  /** `ok` or the POSIX code. */
  RESULT: 'sluice.result',
  BYTES: 'sluice.bytes',
  ENTRIES: 'sluice.entries',
  WRITE_COUNT: 'sluice.write.count',
  FIRST_OFFSET: 'sluice.write.first_offset',
  LAST_OFFSET: 'sluice.write.last_offset',
  UPLOAD_ID: 'sluice.upload.id',
  /** `queue`, or `outbox` where the queue did not take the job. */
  JOB_PLACE: 'sluice.job.place',
  BUCKET: 'aws.s3.bucket',
  KEY: 'aws.s3.key',
  ETAG: 'sluice.etag',
  USER: 'user.name',
  CLIENT_ADDRESS: 'client.address',
  CLIENT_PORT: 'client.port',
  SESSION_ID: 'session.id',
  /** Of a client, as it calls itself. */
  CLIENT_VERSION: 'sluice.client.version',
  METHOD: 'sluice.authentication.method',
  OUTCOME: 'sluice.outcome',
  KEX: 'sluice.ssh.kex',
  CIPHER: 'sluice.ssh.cipher',
} as const;

/** Attributes of a producer span (OpenTelemetry semantic conventions for AWS SQS). */
export function sqsSendAttributes(queueUrl: string): Attributes {
  return {
    'messaging.system': 'aws_sqs',
    'messaging.operation.type': 'send',
    'messaging.operation.name': 'send',
    'messaging.destination.name': queueUrl.slice(queueUrl.lastIndexOf('/') + 1),
  };
}
