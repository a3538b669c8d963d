import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { allows, type Policy, parsePolicy } from './iam-policy.ts';
import { type Authorize, accessDenied } from './strict-s3/access.ts';
import { S3Error } from './strict-s3/errors.ts';
import { document, element } from './strict-s3/xml.ts';

export const TEST_ROLE = 'arn:aws:iam::123456789012:role/sluice-tenants';

export interface StrictStsOptions {
  /** Who may assume the role; others are refused. */
  readonly accessKeyId: string;
  /** What the trust policy asks for. */
  readonly externalId?: string;
}

/** An AssumeRole that was answered. */
export interface IssuedSession {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly name: string;
  readonly policy: string;
}

export interface StrictSts {
  readonly endpoint: string;
  /** In order. */
  readonly issued: readonly IssuedSession[];
  /** How long what is issued from now on is good for. */
  lifetimeSeconds: number;
  /** Answers everything so, while it is set. */
  refusal: { readonly status: number; readonly code: string; readonly message: string } | undefined;
  /** For `startStrictS3`: who has assumed the role may do what the session policy says, who could assume it everything. */
  readonly authorize: Authorize;
  /** What was issued so far is good for nothing from now on. */
  expireAll(): void;
  close(): Promise<void>;
}

type Session = IssuedSession & { readonly parsed: Policy; expiresAt: number };

/**
 * An STS in memory that knows AssumeRole and is as strict about its parameters as the real one
 * (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html). The role itself may do everything.
 */
export async function startStrictSts({ accessKeyId, externalId }: StrictStsOptions): Promise<StrictSts> {
  const sessions = new Map<string, Session>();

  function assume(request: IncomingMessage, parameters: URLSearchParams): string {
    if (sts.refusal !== undefined)
      throw new S3Error(sts.refusal.status, sts.refusal.code, sts.refusal.message);
    const signed = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/[^/]+\/sts\/aws4_request,/;
    const [, caller] = signed.exec(request.headers.authorization ?? '') ?? [];
    if (parameters.get('Action') !== 'AssumeRole') throw invalid('Action');
    const isTrusted = parameters.get('RoleArn') === TEST_ROLE && caller === accessKeyId;
    if (!isTrusted || (externalId !== undefined && parameters.get('ExternalId') !== externalId)) {
      const what = `is not authorized to perform: sts:AssumeRole on resource: ${parameters.get('RoleArn')}`;
      throw new S3Error(403, 'AccessDenied', `User: arn:aws:iam::123456789012:user/${caller} ${what}`);
    }
    const name = parameters.get('RoleSessionName') ?? '';
    if (!/^[\w+=,.@-]{2,64}$/.test(name)) throw invalid('roleSessionName');
    const seconds = Number(parameters.get('DurationSeconds') ?? 3600);
    if (!(seconds >= 900 && seconds <= 3600)) throw invalid('durationSeconds');
    const policy = parameters.get('Policy') ?? '';
    if (!/^[\t\n\r -\u00ff]{1,2048}$/.test(policy)) throw invalid('policy');
    return issue(name, policy);
  }

  function issue(name: string, policy: string): string {
    const expiresAt = Date.now() + sts.lifetimeSeconds * 1000;
    const session = {
      accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(20).toString('hex'),
      sessionToken: randomBytes(60).toString('base64'),
      name,
      policy,
      parsed: parsePolicy(policy),
      expiresAt,
    };
    sessions.set(session.accessKeyId, session);
    return document('AssumeRoleResponse', [
      element('AssumeRoleResult', [
        element('Credentials', [
          element('AccessKeyId', session.accessKeyId),
          element('SecretAccessKey', session.secretAccessKey),
          element('SessionToken', session.sessionToken),
          element('Expiration', new Date(expiresAt).toISOString()),
        ]),
      ]),
    ]);
  }

  const server = createServer(async (request, response) => {
    const parameters = new URLSearchParams(await text(request));
    try {
      const answer = assume(request, parameters);
      response.writeHead(200, { 'content-type': 'text/xml', ...requestId() }).end(answer);
    } catch (error) {
      const known = error instanceof S3Error ? error : new S3Error(500, 'InternalFailure', String(error));
      const fault = [element('Code', known.code), element('Message', known.message)];
      response.writeHead(known.status, { 'content-type': 'text/xml', ...requestId() });
      response.end(document('ErrorResponse', [element('Error', fault)]));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const sts: StrictSts = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lifetimeSeconds: 3600,
    refusal: undefined,
    get issued() {
      return [...sessions.values()];
    },
    authorize: (caller, access) => {
      if (caller.accessKeyId === accessKeyId) return;
      const session = sessions.get(caller.accessKeyId);
      if (session === undefined || session.sessionToken !== caller.sessionToken) {
        throw new S3Error(403, 'InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist');
      }
      if (Date.now() >= session.expiresAt) {
        throw new S3Error(400, 'ExpiredToken', 'The provided token has expired.');
      }
      if (!allows(session.parsed, access)) throw accessDenied();
    },
    expireAll: () => {
      for (const session of sessions.values()) session.expiresAt = 0;
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
  return sts;
}

const requestId = () => ({ 'x-amzn-requestid': randomUUID() });

const invalid = (name: string) =>
  new S3Error(400, 'ValidationError', `1 validation error detected: Value at '${name}' failed`);
