import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Recorder, type WaitOptions } from './strict-s3/recorder.ts';

export interface SecretRequest {
  /** `GetSecretValue`, `PutSecretValue`. */
  readonly operation: string;
  readonly secretId: string;
  /** The name of the error; undefined when the secret was handed out. */
  readonly error: string | undefined;
}

/** AWS Secrets Manager, as far as a reader sees it. Errors on demand come by a fault proxy in front of it. */
export interface SecretsServer {
  readonly endpoint: string;
  readonly requests: readonly SecretRequest[];
  waitFor(predicate: (request: SecretRequest) => boolean, options?: WaitOptions): Promise<SecretRequest>;
  /** Makes a secret, or gives it another value; answers its ARN. */
  put(name: string, value: string | Uint8Array): string;
  /** The value that it has now. */
  get(name: string): string;
  /** From now on nobody may read it. */
  deny(name: string): void;
  remove(name: string): void;
  close(): Promise<void>;
}

interface Secret {
  readonly arn: string;
  readonly name: string;
  readonly value: string | Uint8Array;
  readonly isDenied: boolean;
}

class SecretsError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/**
 * Speaks AWS JSON 1.1 (https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html): two operations, GetSecretValue and PutSecretValue, and
 * its errors (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html). Refuses what is not signed
 * for Secrets Manager; it does not verify signatures.
 */
export async function startSecretsServer(): Promise<SecretsServer> {
  const secrets = new Map<string, Secret>();
  const recorder = new Recorder<SecretRequest>(({ secretId, error }) => `${secretId} ${error ?? 'read'}`);

  function find(secretId: string): Secret {
    const found = [...secrets.values()].find(({ arn, name }) => secretId === arn || secretId === name);
    if (found === undefined) {
      const message = "Secrets Manager can't find the specified secret.";
      throw new SecretsError('ResourceNotFoundException', message);
    }
    if (found.isDenied) {
      const message = `User: arn:aws:iam::123456789012:user/test is not authorized to perform: secretsmanager:GetSecretValue on resource: ${secretId}`;
      throw new SecretsError('AccessDeniedException', message);
    }
    return found;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const operation = `${request.headers['x-amz-target']}`.replace('secretsmanager.', '');
    let secretId = '';
    try {
      assertProtocol(request);
      const asked = JSON.parse(Buffer.concat(chunks).toString()) as {
        SecretId: string;
        SecretString?: string;
      };
      secretId = asked.SecretId;
      const secret = find(secretId);
      if (operation === 'PutSecretValue') {
        secrets.set(secret.name, { ...secret, value: asked.SecretString as string });
      }
      send(response, 200, toAnswer(find(secretId)));
      recorder.add({ operation, secretId, error: undefined });
    } catch (error) {
      const { name, message } = error as Error;
      send(response, 400, { __type: name, Message: message });
      recorder.add({ operation, secretId, error: name });
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: recorder.entries,
    waitFor: (predicate, options) => recorder.waitFor(predicate, options),
    put: (name, value) => {
      const arn = `arn:aws:secretsmanager:us-east-1:123456789012:secret:${name}-a1b2c3`;
      secrets.set(name, { arn, name, value, isDenied: false });
      return arn;
    },
    get: (name) => String(find(name).value),
    deny: (name) => void secrets.set(name, { ...find(name), isDenied: true }),
    remove: (name) => void secrets.delete(name),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

const OPERATIONS = new Set(['secretsmanager.GetSecretValue', 'secretsmanager.PutSecretValue']);

function assertProtocol({ method, url, headers }: IncomingMessage): void {
  if (method !== 'POST' || url !== '/' || headers['content-type'] !== 'application/x-amz-json-1.1') {
    throw new SecretsError('SerializationException', 'this is no AWS JSON 1.1');
  }
  if (!OPERATIONS.has(`${headers['x-amz-target']}`)) {
    throw new SecretsError('UnknownOperationException', `${headers['x-amz-target']} is not known here`);
  }
  const scope = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/[^/]+\/secretsmanager\/aws4_request,/;
  if (!scope.test(headers.authorization ?? '')) {
    throw new SecretsError('IncompleteSignatureException', 'it is not signed for Secrets Manager');
  }
}

function toAnswer({ arn, name, value }: Secret): object {
  return {
    ARN: arn,
    Name: name,
    CreatedDate: 1_700_000_000.5,
    VersionId: randomUUID(),
    VersionStages: ['AWSCURRENT'],
    ...(typeof value === 'string'
      ? { SecretString: value }
      : { SecretBinary: Buffer.from(value).toString('base64') }),
  };
}

function send(response: ServerResponse, status: number, body: object): void {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() };
  response.writeHead(status, headers).end(JSON.stringify(body));
}
