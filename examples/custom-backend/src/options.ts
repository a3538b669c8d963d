/** What the backend must be told (SLUICE_BACKEND_OPTIONS, or `backendOptions` of a server). */
export interface Options {
  /** Where the API is: an http(s) URL. */
  readonly url: string;
  /** Sent as a bearer token; never logged. */
  readonly token?: string;
  /** How long one request may take, in milliseconds; 10,000 when absent. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const LONGEST_TIMEOUT_MS = 600_000;

/** @throws Error with every fault of `given`, each with what would be right. */
export function readOptions(given: unknown): Required<Options> {
  const { url, token = '', timeoutMs = TIMEOUT_MS, ...others } = Object(given) as Record<string, unknown>;
  const faults = Object.keys(others).map((name) => `${name}: is no such option`);
  if (typeof url !== 'string' || !/^https?:/.test(url) || !URL.canParse(url))
    faults.push('url: must be an http(s) URL');
  if (typeof token !== 'string') faults.push('token: must be a text');
  if (!(Number.isInteger(timeoutMs) && Number(timeoutMs) > 0 && Number(timeoutMs) <= LONGEST_TIMEOUT_MS))
    faults.push(`timeoutMs: must be a whole number from 1 to ${LONGEST_TIMEOUT_MS}`);
  if (faults.length > 0) throw new Error(faults.join('; '));
  return { url: String(url), token: String(token), timeoutMs: Number(timeoutMs) };
}
