import { AssumeRoleCommand, STSClient, STSServiceException } from '@aws-sdk/client-sts';
import type { AssumeRoleConfig } from '../../config/load.ts';
import { FsError } from '../../contract/errors.ts';
import type { Log } from '../../contract/log.ts';
import type { ProbeResult } from '../../contract/probe.ts';
import type { ObserveAwsCalls } from '../../telemetry/aws-calls.ts';
import { MAX_POLICY_CHARACTERS } from './session-policy.ts';

/** How long credentials are good for, in seconds: more is not given to who has assumed a role already, as a task has. */
const DURATION_SECONDS = 3600;

/** So long after a failure STS is not asked again for the same session, in milliseconds: who tries again and again does not flood it. */
const REST_MS = 5_000;

/** As STS wants the name of a session. */
const MAX_NAME_CHARACTERS = 64;
const MIN_NAME_CHARACTERS = 2;

/** Whose a session is, and what it may do. */
export interface RoleSession {
  readonly username: string;
  /** JSON. */
  readonly policy: string;
}

/** As the SDK's clients take credentials, which ask for others before these have expired. */
export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

export interface RoleOptions {
  readonly log: Log;
  readonly observeAwsCalls: ObserveAwsCalls;
  readonly now?: () => number;
}

/** A role that is assumed for one principal at a time, with a policy that leaves of it what the principal needs. */
export class AssumedRole {
  readonly #config: AssumeRoleConfig;
  readonly #client: STSClient;
  readonly #log: Log;
  readonly #now: () => number;

  constructor(config: AssumeRoleConfig, { log, observeAwsCalls, now = Date.now }: RoleOptions) {
    this.#config = config;
    this.#log = log;
    this.#now = now;
    const { endpoint, region, credentials } = config.aws;
    this.#client = new STSClient({
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(region === undefined ? {} : { region }),
      ...(credentials === undefined ? {} : { credentials }),
      maxAttempts: 3,
      requestHandler: { connectionTimeout: 3_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
    });
    observeAwsCalls(this.#client, 'STS');
  }

  /**
   * The credentials of a session, for an S3 client: it keeps them until five minutes before they expire, and asks once for
   * all who wait. There are no others: where these cannot be had, the call that needs them fails.
   * The promise rejects with an FsError, `EACCES` when the policy is too long, `EIO` for anything else, and the reason is in the log.
   */
  credentials(session: RoleSession): () => Promise<SessionCredentials> {
    let failure: { readonly error: FsError; readonly at: number } | undefined;
    return async () => {
      if (failure !== undefined && this.#now() < failure.at + REST_MS) throw failure.error;
      failure = undefined;
      try {
        return await this.#assume(session);
      } catch (error) {
        failure = { error: this.#explain(error, session.username), at: this.#now() };
        throw failure.error;
      }
    };
  }

  /** Whether the role can be assumed, for `session`, and what its credentials are good for. Never rejects. */
  async probe(session: RoleSession, use: () => Promise<unknown>): Promise<ProbeResult> {
    const { roleArn } = this.#config;
    try {
      await this.#assume(session);
    } catch (error) {
      const message = `the role ${roleArn} cannot be assumed (SLUICE_ASSUME_ROLE_ARN): ${toReason(error)}`;
      return { state: isFinal(error) ? 'wrong' : 'unreachable', message };
    }
    try {
      await use();
      return { state: 'ok' };
    } catch (error) {
      const message = `the role ${roleArn} can be assumed, and not used: ${toReason(error)}`;
      return { state: 'wrong', message };
    }
  }

  close(): void {
    this.#client.destroy();
  }

  async #assume({ username, policy }: RoleSession): Promise<SessionCredentials> {
    if (policy.length > MAX_POLICY_CHARACTERS) throw new PolicyTooLongError(policy.length);
    const { roleArn, externalId } = this.#config;
    const { Credentials } = await this.#client.send(
      new AssumeRoleCommand({
        RoleArn: roleArn,
        RoleSessionName: toSessionName(username),
        Policy: policy,
        DurationSeconds: DURATION_SECONDS,
        ...(externalId === undefined ? {} : { ExternalId: externalId }),
      }),
    );
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
    if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) {
      throw new Error('STS has answered without credentials that expire');
    }
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      expiration: Expiration,
    };
  }

  #explain(error: unknown, username: string): FsError {
    const { roleArn } = this.#config;
    const isTooLong = error instanceof PolicyTooLongError;
    const message = isTooLong
      ? 'no credentials for a user: the key prefix makes too long a policy'
      : 'no credentials for a user: the role cannot be assumed';
    this.#log.error({ err: error, username, role: roleArn, reason: toReason(error) }, message);
    return new FsError(isTooLong ? 'EACCES' : 'EIO', message, { cause: error });
  }
}

/** The user's name in what of it a session may be called (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html). */
export function toSessionName(username: string): string {
  const name = username.replace(/[^\w+=,.@-]/g, '_').slice(0, MAX_NAME_CHARACTERS);
  return name.padEnd(MIN_NAME_CHARACTERS, '_');
}

class PolicyTooLongError extends Error {
  override name = 'PolicyTooLongError';

  constructor(length: number) {
    super(`the session policy has ${length} characters, and STS takes ${MAX_POLICY_CHARACTERS}`);
  }
}

/** Whether trying again does not help: STS has refused, or what it was asked is wrong. */
function isFinal(error: unknown): boolean {
  if (error instanceof PolicyTooLongError || isUnconfigured(error)) return true;
  const status = error instanceof STSServiceException ? (error.$metadata.httpStatusCode ?? 500) : 500;
  return status >= 400 && status < 500 && status !== 429 && !isThrottling(error);
}

function isThrottling(error: unknown): boolean {
  return error instanceof Error && /Throttl/.test(error.name);
}

function isUnconfigured(error: unknown): boolean {
  return error instanceof Error && /credential|region is missing/i.test(`${error.name} ${error.message}`);
}

/** What the errors of the API mean to whoever runs the server, in one line. */
function toReason(error: unknown): string {
  const { name, message: text } = error instanceof Error ? error : new Error(String(error));
  const message = text.replace(/\s+/g, ' ');
  switch (name) {
    case 'AccessDenied':
      return `the service's credentials need sts:AssumeRole on it, and its trust policy has to name them, with the external ID if it asks for one (SLUICE_ASSUME_ROLE_EXTERNAL_ID): ${message}`;
    case 'RegionDisabledException':
      return `STS is not active in this region: ${message}`;
    case 'PackedPolicyTooLargeException':
      return `the session policy is too large for STS: ${message}`;
    case 'MalformedPolicyDocumentException':
    case 'MalformedPolicyDocument':
      return `STS does not take the session policy: ${message}`;
  }
  if (isUnconfigured(error)) return `the AWS SDK is not configured: ${message}`;
  return `${name}: ${message}`;
}
