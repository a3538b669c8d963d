import type { EnvName } from '../src/config/env-names.ts';

/** Standard variables that the containers are given. */
type StandardName =
  | 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'
  | `OTEL_${string}`
  | `SLUICE_METRICS_${string}`;

/** Of a container. A name of the service that it does not know does not compile. */
export type Environment = Partial<Record<EnvName | StandardName, string>>;

/** Settings of the service that nothing else in the stack depends on. */
export const SETTINGS = [
  'SLUICE_STALE_UPLOAD_HOURS',
  'SLUICE_QUEUE_GROUP_BY',
  'SLUICE_JOBS',
  'SLUICE_TEMP_PATTERNS',
  'SLUICE_DUPLICATES',
  'SLUICE_RENAME_EVENTS',
  'SLUICE_SIDECAR',
  'SLUICE_MAX_SESSIONS',
  'SLUICE_MAX_SESSIONS_PER_USER',
  'SLUICE_MAX_STARTUPS_PER_ADDRESS',
  'SLUICE_PENALTY_EXEMPT',
  'SLUICE_SSH_ALGORITHMS',
  'SLUICE_LOGIN_GRACE_SECONDS',
  'SLUICE_IDLE_TIMEOUT_SECONDS',
  'SLUICE_PROXY_TRUSTED',
  'SLUICE_LOG_LEVEL',
  'SLUICE_TRACE_CHUNKS',
] as const satisfies readonly EnvName[];

/** By their names as environment variables; README.md says what they mean. */
export type Settings = Partial<Record<(typeof SETTINGS)[number], string>>;
