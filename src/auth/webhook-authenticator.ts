import { z } from 'zod';
import type { Authenticator, Credentials } from '../contract/auth.ts';
import { limitsField } from './limits-field.ts';
import { faultsOf, principalFields, toPrincipal } from './principal-fields.ts';

/** Largest answer that is read, in bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Of each question, and a part of what is signed. */
export const QUESTION_HEADERS = { 'content-type': 'application/json' } as const;

/** What says "no". Anything else but 200 is a webhook that is out of order. */
const REFUSALS: readonly number[] = [401, 403, 404];

/** The webhook cannot be asked, or its answer makes no sense; the message has nothing of the credentials. */
export class WebhookError extends Error {
  override name = 'WebhookError';
}

export interface WebhookOptions {
  readonly url: URL;
  /** How long an answer may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Headers by which the webhook knows who asks, for this very body. */
  readonly headersFor: (body: string) => Promise<Readonly<Record<string, string>>>;
}

const furtherProof = z.strictObject({
  next: z.array(z.enum(['publickey', 'password'])).min(1),
  limits: limitsField.exactOptional(),
});
const principal = z.strictObject(principalFields);

/**
 * Asks a webhook who may come in (docs/authentication.md): one POST for each attempt, nothing is remembered. No redirect is
 * followed, so that credentials go nowhere else.
 */
export function createWebhookAuthenticator({ url, timeoutMs, headersFor }: WebhookOptions): Authenticator {
  async function ask(body: string): Promise<{ readonly status: number; readonly text: string }> {
    try {
      const headers = { ...QUESTION_HEADERS, ...(await headersFor(body)) };
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await fetch(url, { method: 'POST', body, headers, redirect: 'error', signal });
      return { status: response.status, text: await readAtMost(response, MAX_ANSWER_BYTES) };
    } catch (error) {
      if (error instanceof WebhookError) throw error;
      throw new WebhookError(`the webhook cannot be asked: ${reasonOf(error, timeoutMs)}`);
    }
  }

  return {
    authenticate: async (credentials, connection, proven) => {
      const { clientAddress, clientPort, clientVersion, id } = connection;
      const question = {
        ...toQuestion(credentials),
        proven: [...proven],
        connection: { id, clientAddress, clientPort, clientVersion },
      };
      const { status, text } = await ask(JSON.stringify(question));
      if (REFUSALS.includes(status)) return undefined;
      if (status !== 200) throw new WebhookError(`the webhook answered ${status}`);
      const answer = toJson(text);
      const { data: proof } = furtherProof.safeParse(answer);
      if (proof !== undefined) return proof;
      const { data, error } = principal.safeParse(answer);
      if (data !== undefined) return toPrincipal(credentials.username, data);
      const faults = faultsOf(error).join('; ');
      throw new WebhookError(`the webhook answered 200 with something else than a principal: ${faults}`);
    },
  };
}

function toQuestion(credentials: Credentials) {
  const { method, username } = credentials;
  if (method === 'password') return { username, method, password: credentials.password };
  const { securityKey } = credentials;
  const { algorithm, blob } = credentials.key;
  const publicKey = `${algorithm} ${Buffer.from(blob).toString('base64')}`;
  return { username, method, publicKey, ...(securityKey === undefined ? {} : { securityKey }) };
}

async function readAtMost(response: Response, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > limit) throw new WebhookError(`the webhook answered more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Of fetch's errors, the cause says more. */
function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  const { cause } = Object(error) as { readonly cause?: unknown };
  return cause instanceof Error ? cause.message : String(error);
}
