import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { QUESTION_HEADERS } from './webhook-authenticator.ts';

export interface SignerOptions {
  readonly url: URL;
  /** `lambda` for a function URL, `execute-api` for an API Gateway. */
  readonly service: string;
  readonly region: string;
}

/**
 * Signs questions to a webhook by Signature Version 4 (IAM User Guide, "Create a signed AWS API request"), with the credentials that the
 * AWS SDK finds: those of the task, on ECS. They are renewed as they expire.
 */
export function createSigner({
  url,
  service,
  region,
}: SignerOptions): (body: string) => Promise<Readonly<Record<string, string>>> {
  const signer = new SignatureV4({ service, region, credentials: defaultProvider(), sha256: Sha256 });
  const query: Record<string, string[]> = {};
  for (const name of new Set(url.searchParams.keys())) query[name] = url.searchParams.getAll(name);
  return async (body) => {
    const { host, ...headers } = (
      await signer.sign({
        method: 'POST',
        protocol: url.protocol,
        hostname: url.hostname,
        path: url.pathname,
        query,
        headers: { host: url.host, ...QUESTION_HEADERS },
        body,
      })
    ).headers;
    return headers;
  };
}
