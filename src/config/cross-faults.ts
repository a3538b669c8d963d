import { isBucketName } from '../contract/bucket-name.ts';
import type { EnvName } from './env-names.ts';
import { PROCESS_BACKEND } from './schema.ts';
import { LIMITS, regionOf } from './values.ts';

/** The backends that have variables of their own. */
const BUILT_IN: readonly string[] = ['s3', 'memory', 'folder'];

type Environment = Readonly<Record<string, string | undefined>>;

/** Which variables go together: what no single one can tell. */
export function crossFaults(env: Environment): string[] {
  const faults = [
    ...exactlyOneFaults(
      env,
      ['SLUICE_HOST_KEYS_DIR', 'a folder of private keys; make one with: sluice host-key'],
      ['SLUICE_HOST_KEYS_SECRET', 'a secret that holds them'],
    ),
    ...exactlyOneFaults(
      env,
      ['SLUICE_USERS_FILE', 'the users document, the JSON file that says who may log in'],
      ['SLUICE_USERS_SECRET', 'a secret that holds it'],
      ['SLUICE_USERS_SECRET_PREFIX', 'the names of secrets that hold one user each, but for the user'],
      ['SLUICE_AUTH_URL', 'a webhook that is asked'],
      ['SLUICE_AUTH_MODULE', 'a module that is asked'],
    ),
  ];
  if (env['SLUICE_AUTH_SECRET'] !== undefined && env['SLUICE_AUTH_URL'] === undefined) {
    faults.push('SLUICE_AUTH_SECRET: needs SLUICE_AUTH_URL: it proves to the webhook who asks');
  }
  faults.push(...signFaults(env));
  if ((env['SLUICE_BACKEND'] ?? 's3') === 's3' && env['SLUICE_BUCKET'] === undefined) {
    faults.push('SLUICE_BUCKET: is required for the s3 backend: the name of the bucket that files go into');
  }
  const backend = env['SLUICE_BACKEND'] ?? 's3';
  const isModule = !BUILT_IN.includes(backend) && !PROCESS_BACKEND.test(backend);
  if (env['SLUICE_BACKEND_OPTIONS'] !== undefined && !isModule) {
    faults.push('SLUICE_BACKEND_OPTIONS: needs SLUICE_BACKEND to be a module: it is for the init of that');
  }
  if (env['SLUICE_ASSUME_ROLE_ARN'] !== undefined && backend !== 's3') {
    faults.push('SLUICE_ASSUME_ROLE_ARN: needs the s3 backend: it is for calls of S3');
  }
  const { SLUICE_ASSUME_ROLE_ARN: role, SLUICE_BUCKET: bucket } = env;
  if (role !== undefined && bucket !== undefined && backend === 's3' && !isBucketName(bucket)) {
    faults.push(
      'SLUICE_BUCKET: must be the name of a bucket where SLUICE_ASSUME_ROLE_ARN is set: users are confined by its ARN',
    );
  }
  if (env['SLUICE_ASSUME_ROLE_EXTERNAL_ID'] !== undefined && env['SLUICE_ASSUME_ROLE_ARN'] === undefined) {
    faults.push('SLUICE_ASSUME_ROLE_EXTERNAL_ID: needs SLUICE_ASSUME_ROLE_ARN: it is for that role');
  }
  const isFolder = env['SLUICE_BACKEND'] === 'folder';
  if (isFolder && env['SLUICE_FOLDER'] === undefined) {
    faults.push('SLUICE_FOLDER: is required for the folder backend: the folder that files go into');
  }
  if (!isFolder && env['SLUICE_FOLDER'] !== undefined) {
    faults.push('SLUICE_FOLDER: needs SLUICE_BACKEND=folder: files go elsewhere otherwise');
  }
  if ((env['SLUICE_SIDECAR'] ?? 'off') !== 'off' && env['SLUICE_DUPLICATES'] === 'version') {
    faults.push(
      'SLUICE_SIDECAR: needs SLUICE_DUPLICATES to be overwrite or reject: a sidecar cannot name a file that was given another name',
    );
  }
  if (env['SLUICE_JOBS'] === 'every-object' && (env['SLUICE_BACKEND'] ?? 's3') !== 's3') {
    faults.push('SLUICE_JOBS: every-object needs the s3 backend: the jobs are noted down in its bucket');
  }
  if (env['SLUICE_FAILURE_QUEUE_URL'] !== undefined && env['SLUICE_QUEUE_URL'] === undefined) {
    faults.push('SLUICE_FAILURE_QUEUE_URL: needs SLUICE_QUEUE_URL: failures are told beside the jobs');
  }
  faults.push(...workerFaults(env));
  if (env['SLUICE_PROXY_TRUSTED'] !== undefined && env['SLUICE_PROXY_PROTOCOL'] !== 'v2') {
    faults.push('SLUICE_PROXY_TRUSTED: needs SLUICE_PROXY_PROTOCOL=v2: no header is looked for otherwise');
  }
  return faults;
}

/** What one process has of its own cannot be had of several as if they were one. */
function workerFaults(env: Environment): string[] {
  const workers = Number(env['SLUICE_WORKERS'] ?? 1);
  if (!(workers > 1)) return [];
  const faults: string[] = [];
  if (env['SLUICE_BACKEND'] === 'memory') {
    faults.push(
      'SLUICE_WORKERS: must be 1 with SLUICE_BACKEND=memory: each worker would have files of its own',
    );
  }
  if (env['SLUICE_CONSOLE'] !== undefined) {
    faults.push('SLUICE_WORKERS: must be 1 with SLUICE_CONSOLE: it shows what goes on in one process');
  }
  if (env['OTEL_METRICS_EXPORTER']?.includes('prometheus')) {
    faults.push(
      'SLUICE_WORKERS: must be 1 with OTEL_METRICS_EXPORTER=prometheus: a scrape would meet one worker or another; export by otlp',
    );
  }
  const { min, fallback } = LIMITS.memoryBudgetMib;
  if (Number(env['SLUICE_MEMORY_BUDGET_MIB'] ?? fallback) / workers < min) {
    faults.push(`SLUICE_WORKERS: needs ${min} MiB of SLUICE_MEMORY_BUDGET_MIB for each worker`);
  }
  return faults;
}

/** A signature stands where the secret would, and names a region. */
function signFaults(env: Environment): string[] {
  const { SLUICE_AUTH_SIGN: sign = 'off', SLUICE_AUTH_URL: url } = env;
  if (sign === 'off') return [];
  if (url === undefined) return ['SLUICE_AUTH_SIGN: needs SLUICE_AUTH_URL: its questions are what is signed'];
  const faults: string[] = [];
  if (env['SLUICE_AUTH_SECRET'] !== undefined) {
    faults.push(
      'SLUICE_AUTH_SIGN: cannot be set together with SLUICE_AUTH_SECRET: the signature takes its header, and says more',
    );
  }
  if (regionOf(url) === undefined && (env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION']) === undefined) {
    faults.push('SLUICE_AUTH_SIGN: needs AWS_REGION: the host of SLUICE_AUTH_URL names no region');
  }
  return faults;
}

type Choice = readonly [name: EnvName, meaning: string];

/** Of variables that say where something is, one is needed, and two could disagree. */
function exactlyOneFaults(env: Environment, first: Choice, ...others: readonly Choice[]): string[] {
  const given = [first, ...others].map(([name]) => name).filter((name) => env[name] !== undefined);
  const [name, meaning] = first;
  if (given.length === 0) {
    const alternatives = others.map(([other, meant]) => `; or ${other}: ${meant}`).join('');
    return [`${name}: is required: ${meaning}${alternatives}`];
  }
  const [one, another] = given;
  return another === undefined
    ? []
    : [`${one}: cannot be set together with ${another}: leave one of them unset`];
}
