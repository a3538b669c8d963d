import type { AwsConfig } from '../config/load.ts';
import { createClient, getSecret, SecretError } from './secrets-manager.ts';

/** For an answer, all attempts together, in milliseconds: somebody waits to be let in. */
const PATIENCE_MS = 5_000;

/** What looking for a secret came to. */
export type FoundSecret =
  | { readonly state: 'found'; readonly text: string }
  /** There is none of that name, or it is to be deleted. */
  | { readonly state: 'absent' }
  /** Whether there is one is not for the service to know; the message says what it lacks. */
  | { readonly state: 'denied'; readonly message: string };

export interface SecretFinderOptions {
  /** The variable by which the secrets are named, for messages. */
  readonly variable: string;
  readonly aws: AwsConfig;
}

/**
 * Looks for secrets of AWS Secrets Manager by their names. The promise rejects with a SecretError when Secrets Manager cannot be asked,
 * after `patienceMs` at the latest.
 */
export function createSecretFinder(
  { variable, aws }: SecretFinderOptions,
  patienceMs = PATIENCE_MS,
): (secretId: string) => Promise<FoundSecret> {
  const client = createClient(aws);
  return async (secretId) => {
    try {
      return { state: 'found', text: await getSecret(client, { variable, secretId }, patienceMs) };
    } catch (error) {
      if (!(error instanceof SecretError)) throw error;
      switch (error.reason) {
        case 'ResourceNotFoundException':
        case 'InvalidRequestException':
          return { state: 'absent' };
        case 'AccessDeniedException':
          return { state: 'denied', message: error.message };
        default:
          throw error;
      }
    }
  };
}
