/** What a look at something the service needs (a bucket, a queue) found. */
export type ProbeResult =
  | { readonly state: 'ok' }
  /** It works as far as can be told; the message says what could not be checked. */
  | { readonly state: 'unchecked'; readonly message: string }
  /** It is not reachable now, and the service does without it for a while. */
  | { readonly state: 'degraded'; readonly message: string }
  /** It is not reachable now: worth trying again. */
  | { readonly state: 'unreachable'; readonly message: string }
  /** Trying again will not help; the message says what would. */
  | { readonly state: 'wrong'; readonly message: string };

/** Looks whether something the service needs is there. Never rejects. */
export type Probe = () => Promise<ProbeResult>;
