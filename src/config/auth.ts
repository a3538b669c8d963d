import type { Variables } from './schema.ts';
import { regionOf } from './values.ts';

/** Who may come in is asked of a URL. */
export interface WebhookConfig {
  readonly kind: 'webhook';
  readonly url: URL;
  readonly secret: string | undefined;
  /** What the questions are signed for; undefined: they are not. */
  readonly sign: { readonly service: 'lambda' | 'execute-api'; readonly region: string } | undefined;
  readonly timeoutMs: number;
}

/** Undefined where there is none. `region` is the one of the environment. */
export function toWebhook(variables: Variables, region: string | undefined): WebhookConfig | undefined {
  const { SLUICE_AUTH_URL: url, SLUICE_AUTH_SECRET: secret, SLUICE_AUTH_SIGN: service } = variables;
  if (url === undefined) return undefined;
  const timeoutMs = variables.SLUICE_AUTH_TIMEOUT_SECONDS * 1000;
  const sign = service === 'off' ? undefined : { service, region: regionOf(url) ?? String(region) };
  return { kind: 'webhook', url: new URL(url), secret, sign, timeoutMs };
}

/**
 * The session attribute that key prefixes come from; undefined where all users share one. A backend that knows no prefix is told of
 * homes all the same: it may read them in the session.
 */
export function homeAttributeOf({
  SLUICE_BACKEND: backend,
  SLUICE_PREFIX: prefix,
}: Variables): string | undefined {
  if (backend !== 's3' && backend !== 'folder') return 'prefix';
  return /^session:(.+)$/.exec(prefix)?.[1];
}
