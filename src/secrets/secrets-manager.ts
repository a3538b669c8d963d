import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  SecretsManagerServiceException,
} from '@aws-sdk/client-secrets-manager';
import type { AwsConfig, SecretConfig } from '../config/load.ts';

/** For an answer, all attempts together, in milliseconds: nothing starts meanwhile. */
const PATIENCE_MS = 10_000;

/** A secret cannot be read; the message names the variable, and says what would help. */
export class SecretError extends Error {
  override name = 'SecretError';
  /** The name of the error that Secrets Manager has answered; undefined when it has not. */
  readonly reason: string | undefined;

  constructor(message: string, reason?: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Reads a secret of AWS Secrets Manager, each time anew: its current version, as text
 * (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html).
 * The promise rejects with a SecretError, after `patienceMs` at the latest.
 */
export function createSecretReader(
  { variable, secretId, aws }: SecretConfig,
  patienceMs = PATIENCE_MS,
): () => Promise<string> {
  const client = createClient(aws);
  return () => getSecret(client, { variable, secretId }, patienceMs);
}

/** The current version of a secret, as text. The promise rejects with a SecretError, after `patienceMs` at the latest. */
export async function getSecret(
  client: SecretsManagerClient,
  { variable, secretId }: { readonly variable: string; readonly secretId: string },
  patienceMs: number,
): Promise<string> {
  const patience = AbortSignal.timeout(patienceMs);
  try {
    const request = new GetSecretValueCommand({ SecretId: secretId });
    const { SecretString } = await client.send(request, { abortSignal: patience });
    if (SecretString !== undefined) return SecretString;
  } catch (error) {
    const problem = patience.aborted ? unanswered(secretId, patienceMs) : describe(error, secretId);
    const reason = error instanceof SecretsManagerServiceException ? error.name : undefined;
    throw new SecretError(`${variable}: ${problem}`, reason);
  }
  throw new SecretError(`${variable}: the secret ${secretId} is binary; it has to be text (SecretString)`);
}

/**
 * Gives a secret another value, which becomes its current version
 * (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html).
 * The promise rejects with a SecretError, after `patienceMs` at the latest.
 */
export function createSecretWriter(
  { variable, secretId, aws }: SecretConfig,
  patienceMs = PATIENCE_MS,
): (value: string) => Promise<void> {
  const client = createClient(aws);
  return async (value) => {
    const patience = AbortSignal.timeout(patienceMs);
    try {
      const request = new PutSecretValueCommand({ SecretId: secretId, SecretString: value });
      await client.send(request, { abortSignal: patience });
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      const problem = patience.aborted ? `no answer within ${patienceMs} ms` : `${name}: ${message}`;
      throw new SecretError(`${variable}: the secret ${secretId} cannot be written: ${problem}`);
    }
  };
}

export function createClient({ endpoint, region, credentials }: AwsConfig): SecretsManagerClient {
  return new SecretsManagerClient({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
  });
}

function unanswered(secretId: string, patienceMs: number): string {
  return `the secret ${secretId} cannot be read: Secrets Manager has not answered within ${patienceMs / 1000} s`;
}

/** What the errors of the API mean to whoever runs the server, in one line. */
function describe(error: unknown, secretId: string): string {
  const { name, message: text } = error instanceof Error ? error : new Error(String(error));
  const message = text.replace(/\s+/g, ' ');
  switch (name) {
    case 'ResourceNotFoundException':
      return `the secret ${secretId} does not exist, or has no value yet`;
    case 'AccessDeniedException':
      return `not allowed to read the secret ${secretId} (secretsmanager:GetSecretValue, kms:Decrypt): ${message}`;
    case 'DecryptionFailure':
      return `the secret ${secretId} cannot be decrypted with its key: ${message}`;
    case 'InvalidRequestException':
      return `the secret ${secretId} cannot be read as it is (is it to be deleted?): ${message}`;
  }
  if (error instanceof SecretsManagerServiceException) {
    return `the secret ${secretId} cannot be read: ${name}: ${message}`;
  }
  if (/credential|region is missing/i.test(message)) return `the AWS SDK is not configured: ${message}`;
  return `the secret ${secretId} cannot be read: ${message || name}`;
}
