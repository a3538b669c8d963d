import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { ENV_NAMES } from '../../src/config/env-names.ts';
import { ConfigError, loadConfig, unknownVariables, workerVariables } from '../../src/config/load.ts';

const MINIMAL = { SLUICE_HOST_KEYS_DIR: '/keys', SLUICE_USERS_FILE: '/users.json', SLUICE_BUCKET: 'files' };

const load = (environment: Record<string, string>) => loadConfig({}, { ...MINIMAL, ...environment });

function faultsOf(
  environment: Record<string, string>,
  base: Record<string, string> = MINIMAL,
): readonly string[] {
  try {
    loadConfig({}, { ...base, ...environment });
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe('loadConfig', () => {
  test('needs host keys, users and a bucket; everything else has its default', () => {
    expect(load({})).toEqual({
      host: '0.0.0.0',
      port: 2222,
      healthPort: 8080,
      console: undefined,
      hostKeys: { kind: 'folder', folder: '/keys' },
      users: { kind: 'file', file: '/users.json' },
      backend: { kind: 's3', bucket: 'files', prefix: '', staleUploadMs: 7 * 24 * 3_600_000, aws: {} },
      jobs: undefined,
      temporaryNames: ['*.filepart', '*.partial', '*.part', '*.tmp', '.in.*', '.*.??????'],
      duplicates: 'overwrite',
      workers: 1,
      memoryBudgetBytes: 256 * 1024 * 1024,
      spool: { folder: tmpdir(), bytes: 1024 * 1024 * 1024 },
      maxSessions: 1000,
      maxSessionsPerUser: 100,
      maxStartupsPerSource: 50,
      penaltyExempt: expect.arrayContaining(['10.0.0.0/8', '127.0.0.0/8', '::1/128']),
      sshAlgorithms: 'modern',
      loginGraceSeconds: 60,
      idleTimeoutSeconds: 1800,
      drainSeconds: 60,
      ecsAgentUri: undefined,
      trustedProxies: undefined,
      logLevel: 'info',
      serviceName: 'sluice',
      chunkSpans: 'part',
      hasTraceReceiver: false,
    });
  });

  test('takes every variable', () => {
    const config = load({
      SLUICE_HOST: '::1',
      SLUICE_PORT: '22',
      SLUICE_HEALTH_PORT: '0',
      SLUICE_PREFIX: 'session:prefix',
      SLUICE_STALE_UPLOAD_HOURS: '0',
      SLUICE_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/1/jobs',
      SLUICE_FAILURE_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/1/failures',
      SLUICE_TEMP_PATTERNS: '*.part, .in.*',
      SLUICE_DUPLICATES: 'version',
      SLUICE_MEMORY_BUDGET_MIB: '16',
      SLUICE_WORKERS: '1',
      SLUICE_MAX_SESSIONS: '5',
      SLUICE_MAX_SESSIONS_PER_USER: '0',
      SLUICE_MAX_STARTUPS_PER_ADDRESS: '2',
      SLUICE_PENALTY_EXEMPT: 'none',
      SLUICE_SSH_ALGORITHMS: 'compatible',
      SLUICE_LOGIN_GRACE_SECONDS: '6',
      SLUICE_IDLE_TIMEOUT_SECONDS: '7',
      SLUICE_DRAIN_SECONDS: '0',
      SLUICE_PROXY_PROTOCOL: 'v2',
      SLUICE_PROXY_TRUSTED: '10.1.0.0/16, 2001:db8::/56,192.0.2.7',
      SLUICE_LOG_LEVEL: 'silent',
      SLUICE_TRACE_CHUNKS: 'each',
      OTEL_SERVICE_NAME: 'door',
      AWS_REGION: 'eu-west-1',
    });
    const aws = { region: 'eu-west-1' };
    expect(config).toMatchObject({
      host: '::1',
      port: 22,
      healthPort: 0,
      backend: { kind: 's3', bucket: 'files', prefix: 'session:prefix', staleUploadMs: 0, aws },
      jobs: {
        queueUrl: 'https://sqs.eu-west-1.amazonaws.com/1/jobs',
        failureQueueUrl: 'https://sqs.eu-west-1.amazonaws.com/1/failures',
        aws,
      },
      temporaryNames: ['*.part', '.in.*'],
      duplicates: 'version',
      memoryBudgetBytes: 16 * 1024 * 1024,
      maxSessions: 5,
      maxSessionsPerUser: 0,
      maxStartupsPerSource: 2,
      penaltyExempt: [],
      sshAlgorithms: 'compatible',
      loginGraceSeconds: 6,
      idleTimeoutSeconds: 7,
      drainSeconds: 0,
      trustedProxies: ['10.1.0.0/16', '2001:db8::/56', '192.0.2.7/32'],
      logLevel: 'silent',
      serviceName: 'door',
      chunkSpans: 'each',
    });
  });

  test('the folder backend needs a folder, and no bucket', () => {
    const { SLUICE_BUCKET: _, ...rest } = MINIMAL;
    const SLUICE_BACKEND = 'folder';
    const options = { SLUICE_FOLDER: './files', SLUICE_PREFIX: 'session:prefix' };
    expect(loadConfig({}, { ...rest, ...options, SLUICE_BACKEND }).backend).toEqual({
      kind: 'folder',
      folder: './files',
      prefix: 'session:prefix',
      staleUploadMs: 168 * 3_600_000,
    });
    expect(faultsOf({ SLUICE_BACKEND })).toEqual([
      'SLUICE_FOLDER: is required for the folder backend: the folder that files go into',
    ]);
    expect(faultsOf({ SLUICE_FOLDER: './files' })).toEqual([
      'SLUICE_FOLDER: needs SLUICE_BACKEND=folder: files go elsewhere otherwise',
    ]);
  });

  test('the memory backend needs no bucket', () => {
    const { SLUICE_BUCKET: _, ...rest } = MINIMAL;
    expect(loadConfig({}, { ...rest, SLUICE_BACKEND: 'memory' }).backend).toEqual({ kind: 'memory' });
  });

  test.each(['unix', 'worker', 'fork'])('a backend elsewhere is named by how and where: %s', (form) => {
    const { SLUICE_BUCKET: _, ...rest } = MINIMAL;
    const { backend } = loadConfig({}, { ...rest, SLUICE_BACKEND: `${form}:/run/a:b` });
    expect(backend).toEqual({ kind: 'process', form, path: '/run/a:b' });
  });

  test.each([
    './backend.js',
    '../backends/mine.mjs',
    '/srv/backend.js',
    'file:///srv/backend.js',
    'my-backend',
    '@acme/backend/sftp',
  ])('a backend may be the module %s, with options for its init', (specifier) => {
    const given = { SLUICE_BACKEND: specifier, SLUICE_BACKEND_OPTIONS: '{"root":"/srv","depth":2}' };
    const { SLUICE_BUCKET: _, ...rest } = MINIMAL;
    const options = { root: '/srv', depth: 2 };
    expect(loadConfig({}, { ...rest, ...given }).backend).toEqual({ kind: 'module', specifier, options });
  });

  test('a module without options has none', () => {
    expect(load({ SLUICE_BACKEND: './backend.js' }).backend).toEqual({
      kind: 'module',
      specifier: './backend.js',
      options: undefined,
    });
  });

  test('an empty variable counts as unset', () => {
    const empty = Object.fromEntries(ENV_NAMES.map((name) => [name, '']));
    expect(loadConfig({}, { ...empty, ...MINIMAL, AWS_ENDPOINT_URL: '', AWS_REGION: '' })).toEqual(load({}));
    expect(faultsOf(empty, {})).toHaveLength(3);
  });

  test('temporary names can be turned off', () => {
    expect(load({ SLUICE_TEMP_PATTERNS: 'none' }).temporaryNames).toEqual([]);
  });

  test('overrides take precedence over the environment', () => {
    const config = loadConfig({ SLUICE_PORT: '1', SLUICE_BUCKET: 'other' }, { ...MINIMAL, SLUICE_PORT: '2' });
    expect(config).toMatchObject({ port: 1, backend: { bucket: 'other' } });
  });

  test('reads the environment of the process when none is given', () => {
    expect(loadConfig({ ...MINIMAL, SLUICE_PORT: '4242' }).port).toBe(4242);
  });
});

describe('the console', () => {
  test.each([
    ['127.0.0.1:9090', { host: '127.0.0.1', port: 9090 }],
    ['9090', { host: '127.0.0.1', port: 9090 }],
    ['[::1]:0', { host: '::1', port: 0 }],
    ['localhost:65535', { host: 'localhost', port: 65_535 }],
    ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }],
  ])('listens at %s', (text, expected) => {
    expect(load({ SLUICE_CONSOLE: text }).console).toEqual(expected);
  });

  test.each([
    'on',
    '127.0.0.1',
    '::1:9090',
    '[::1]',
    'localhost:65536',
    ':9090',
    'http://localhost:9090',
    '1:',
  ])('cannot listen at %s', (text) => {
    expect(faultsOf({ SLUICE_CONSOLE: text })).toEqual([
      'SLUICE_CONSOLE: must be host:port (127.0.0.1:9090, [::1]:9090) or a port alone, which is one of 127.0.0.1 (9090)',
    ]);
  });
});

test('ECS is asked to spare the task where it runs the service, unless that is switched off', () => {
  const agent = { ECS_AGENT_URI: 'http://169.254.170.2/api/0123' };
  expect(load(agent).ecsAgentUri).toBe('http://169.254.170.2/api/0123');
  expect(load({ ...agent, SLUICE_TASK_PROTECTION: 'auto' }).ecsAgentUri).toBe(agent.ECS_AGENT_URI);
  expect(load({ ...agent, SLUICE_TASK_PROTECTION: 'off' }).ecsAgentUri).toBeUndefined();
  expect(load({ SLUICE_TASK_PROTECTION: 'auto' }).ecsAgentUri).toBeUndefined();
  expect(faultsOf({ SLUICE_TASK_PROTECTION: 'on' })).toEqual([
    'SLUICE_TASK_PROTECTION: must be one of: auto, off',
  ]);
});

describe('proxies', () => {
  test('are trusted in private networks and on this machine unless told otherwise', () => {
    expect(load({ SLUICE_PROXY_PROTOCOL: 'v2' }).trustedProxies).toEqual([
      '10.0.0.0/8',
      '172.16.0.0/12',
      '192.168.0.0/16',
      '100.64.0.0/10',
      'fc00::/7',
      '127.0.0.0/8',
      '::1/128',
    ]);
  });

  test.each([
    'lb.internal',
    '10.0.0.0/33',
    '10.0.0/8',
    '::/129',
    '10.0.0.0/8,',
    '10.0.0.0/8/8',
    'fe80::1%eth0',
    '10.0.0.0/',
  ])('cannot be %s', (SLUICE_PROXY_TRUSTED) => {
    expect(faultsOf({ SLUICE_PROXY_PROTOCOL: 'v2', SLUICE_PROXY_TRUSTED })).toEqual([
      'SLUICE_PROXY_TRUSTED: must be subnets, separated by commas (10.0.0.0/8, 2001:db8::/56)',
    ]);
  });

  test('are not named where no header is looked for', () => {
    expect(faultsOf({ SLUICE_PROXY_TRUSTED: '10.0.0.0/8' })).toEqual([
      'SLUICE_PROXY_TRUSTED: needs SLUICE_PROXY_PROTOCOL=v2: no header is looked for otherwise',
    ]);
  });
});

describe('faults', () => {
  test('what is required and not there is told, with what it is', () => {
    expect(faultsOf({}, {})).toEqual([
      'SLUICE_HOST_KEYS_DIR: is required: a folder of private keys; make one with: sluice host-key; or SLUICE_HOST_KEYS_SECRET: a secret that holds them',
      'SLUICE_USERS_FILE: is required: the users document, the JSON file that says who may log in; or SLUICE_USERS_SECRET: a secret that holds it; or SLUICE_USERS_SECRET_PREFIX: the names of secrets that hold one user each, but for the user; or SLUICE_AUTH_URL: a webhook that is asked; or SLUICE_AUTH_MODULE: a module that is asked',
      'SLUICE_BUCKET: is required for the s3 backend: the name of the bucket that files go into',
    ]);
  });

  test('what does not go together is told', () => {
    expect(
      faultsOf({ SLUICE_BACKEND: 'memory', SLUICE_JOBS: 'every-object' }).map((fault) => fault.split(':')[0]),
    ).toEqual(['SLUICE_JOBS']);
    expect(
      faultsOf({ SLUICE_SIDECAR: 'done', SLUICE_DUPLICATES: 'version' }).map((fault) => fault.split(':')[0]),
    ).toEqual(['SLUICE_SIDECAR']);
    expect(load({ SLUICE_SIDECAR: 'done', SLUICE_DUPLICATES: 'reject' }).duplicates).toBe('reject');
    expect(faultsOf({ SLUICE_BACKEND_OPTIONS: '{}' })).toEqual([
      'SLUICE_BACKEND_OPTIONS: needs SLUICE_BACKEND to be a module: it is for the init of that',
    ]);
  });

  test('of options that are no JSON object nothing is shown', () => {
    const faults = (options: string) =>
      faultsOf({ SLUICE_BACKEND: './backend.js', SLUICE_BACKEND_OPTIONS: options });
    expect(faults('{"token":"hunter2"')).toEqual([
      expect.stringMatching(/^SLUICE_BACKEND_OPTIONS: must be a JSON object: it is not JSON/),
    ]);
    expect(faults('{"token":"hunter2"').join()).not.toContain('hunter2');
    for (const other of ['[]', '"hunter2"', 'null', '1'])
      expect(faults(other)).toEqual([
        'SLUICE_BACKEND_OPTIONS: must be a JSON object: {"root": "/srv/files"}',
      ]);
  });

  const WRONG: readonly (readonly [string, string, RegExp])[] = [
    ['SLUICE_PORT', '65536', /whole number from 0 to 65535$/],
    ['SLUICE_PORT', 'ssh', /whole number/],
    ['SLUICE_PORT', '1e3', /whole number/],
    ['SLUICE_PORT', ' 22', /whole number/],
    ['SLUICE_HEALTH_PORT', '-1', /whole number from 0 to 65535$/],
    ['SLUICE_BACKEND', 'unix:', /^SLUICE_BACKEND: must be s3/],
    [
      'SLUICE_BACKEND',
      'My Backend',
      /must be s3, folder, memory, or a module: \.\/path\/to\/backend\.js or the name of a package; or unix:SOCKET, worker:MODULE or fork:MODULE$/,
    ],
    ['SLUICE_PREFIX', 'session:', /must name a session attribute/],
    ['SLUICE_PREFIX', '.sluice', /must not begin with "\.sluice"$/],
    ['SLUICE_PREFIX', 'tenants/../x', /must be a path without empty names, "\." and "\.\."$/],
    ['SLUICE_PREFIX', '/.sluice/x', /must not begin with "\.sluice"$/],
    ['SLUICE_STALE_UPLOAD_HOURS', '-1', /whole number from 0 to 87600$/],
    ['SLUICE_STALE_UPLOAD_HOURS', '0.5', /whole number/],
    ['SLUICE_QUEUE_URL', 'jobs', /must be an http\(s\) URL$/],
    ['SLUICE_QUEUE_URL', 'ftp://host/jobs', /must be an http\(s\) URL$/],
    ['SLUICE_QUEUE_GROUP_BY', 'user', /must be one of: principal, prefix$/],
    ['SLUICE_DUPLICATES', 'keep', /must be one of: overwrite, reject, version$/],
    ['SLUICE_JOBS', 'all', /must be one of: acknowledged, every-object$/],
    ['SLUICE_SIDECAR', 'md5', /must be one of: off, done, sha256$/],
    ['SLUICE_RENAME_EVENTS', 'yes', /must be one of: off, on$/],
    ['SLUICE_TEMP_PATTERNS', '*', /must be patterns of names/],
    ['SLUICE_TEMP_PATTERNS', '*.tmp,', /must be patterns of names/],
    ['SLUICE_TEMP_PATTERNS', 'in/*.tmp', /must be patterns of names/],
    ['SLUICE_MEMORY_BUDGET_MIB', '15', /whole number from 16 to/],
    ['SLUICE_MEMORY_BUDGET_MIB', '256.5', /whole number/],
    ['SLUICE_MAX_SESSIONS', '0', /whole number from 1 to/],
    ['SLUICE_LOGIN_GRACE_SECONDS', '0', /whole number from 1 to/],
    ['SLUICE_IDLE_TIMEOUT_SECONDS', '86401', /whole number from 1 to 86400$/],
    ['SLUICE_DRAIN_SECONDS', 'x', /whole number from 0 to/],
    ['SLUICE_PROXY_PROTOCOL', 'v1', /must be one of: off, v2$/],
    ['SLUICE_LOG_LEVEL', 'loud', /must be one of: trace, debug, info, warn, error, fatal, silent$/],
    ['SLUICE_TRACE_CHUNKS', 'all', /must be one of: part, each$/],
    ['AWS_ENDPOINT_URL', 'localhost:9000', /must be an http\(s\) URL$/],
    ['AWS_ENDPOINT_URL_S3', 'x', /must be an http\(s\) URL$/],
    ['AWS_ENDPOINT_URL_SQS', 'x', /must be an http\(s\) URL$/],
    ['AWS_ENDPOINT_URL_STS', 'x', /must be an http\(s\) URL$/],
    ['AWS_ENDPOINT_URL_SECRETS_MANAGER', 'x', /must be an http\(s\) URL$/],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'x', /must be an http\(s\) URL$/],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'x', /must be an http\(s\) URL$/],
  ];

  test.each(WRONG)(
    '%s=%s is one fault, which names it and says what would be right',
    (name, value, message) => {
      const faults = faultsOf({ [name]: value });
      expect(faults).toHaveLength(1);
      expect(faults[0]?.startsWith(`${name}: `)).toBe(true);
      expect(faults[0]).toMatch(message);
    },
  );

  test.each([
    ['SLUICE_BACKEND', 'memory', /files of its own/],
    ['SLUICE_CONSOLE', '9090', /one process/],
    ['OTEL_METRICS_EXPORTER', 'otlp,prometheus', /export by otlp/],
    ['SLUICE_MEMORY_BUDGET_MIB', '63', /16 MiB of SLUICE_MEMORY_BUDGET_MIB for each/],
  ])('several workers with %s=%s are one', (name, value, message) => {
    const { SLUICE_BUCKET: _, ...rest } = { SLUICE_WORKERS: '4', [name]: value } as Record<string, string>;
    const faults = faultsOf(rest);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^SLUICE_WORKERS: /);
    expect(faults[0]).toMatch(message);
    expect(faultsOf({ ...rest, SLUICE_WORKERS: '1' })).toEqual([]);
  });

  test('each worker has its share of what there is once', () => {
    const env = {
      SLUICE_MEMORY_BUDGET_MIB: '100',
      SLUICE_SPOOL_MIB: '50',
      SLUICE_MAX_SESSIONS: '10',
      SLUICE_WORKERS: '3',
    };
    expect(workerVariables(load(env))).toEqual({
      SLUICE_WORKERS: '1',
      SLUICE_MEMORY_BUDGET_MIB: '33',
      SLUICE_SPOOL_MIB: '16',
      SLUICE_MAX_SESSIONS: '4',
    });
    const { memoryBudgetBytes, workers } = load({ ...env, ...workerVariables(load(env)) });
    expect([memoryBudgetBytes, workers]).toEqual([33 * 1024 * 1024, 1]);
  });

  test('a failure queue without a queue of jobs is one', () => {
    const SLUICE_FAILURE_QUEUE_URL = 'https://sqs.eu-west-1.amazonaws.com/1/failures';
    expect(faultsOf({ SLUICE_FAILURE_QUEUE_URL })).toEqual([
      'SLUICE_FAILURE_QUEUE_URL: needs SLUICE_QUEUE_URL: failures are told beside the jobs',
    ]);
    const SLUICE_QUEUE_URL = 'https://sqs.eu-west-1.amazonaws.com/1/jobs';
    expect(load({ SLUICE_QUEUE_URL }).jobs?.failureQueueUrl).toBeUndefined();
    expect(faultsOf({ SLUICE_QUEUE_URL, SLUICE_FAILURE_QUEUE_URL: 'failures' })).toEqual([
      'SLUICE_FAILURE_QUEUE_URL: must be an http(s) URL',
    ]);
  });

  test('a secret beside a folder or a file is one: they could disagree', () => {
    expect(faultsOf({ SLUICE_HOST_KEYS_SECRET: 'keys', SLUICE_USERS_SECRET: 'users' })).toEqual([
      'SLUICE_HOST_KEYS_DIR: cannot be set together with SLUICE_HOST_KEYS_SECRET: leave one of them unset',
      'SLUICE_USERS_FILE: cannot be set together with SLUICE_USERS_SECRET: leave one of them unset',
    ]);
  });

  test('all are told at once, in one message with a line each', () => {
    const wrong = Object.fromEntries(WRONG.map(([name, value]) => [name, value]));
    const faults = faultsOf(wrong);
    const names = faults.map((fault) => fault.split(':')[0]);
    const expected = [...Object.keys(wrong)];
    expect(names.sort()).toEqual(expected.sort());
    expect(new ConfigError(faults).message.split('\n')).toHaveLength(faults.length + 1);
  });
});

describe('a role for users', () => {
  const ROLE = 'arn:aws:iam::123456789012:role/sluice/tenants';
  const roleOf = (environment: Record<string, string>) => {
    const { backend } = load(environment);
    return backend.kind === 's3' ? backend.assumeRole : undefined;
  };

  test('is assumed where it is named, by the STS that the environment names', () => {
    expect(roleOf({})).toBeUndefined();
    expect(roleOf({ SLUICE_ASSUME_ROLE_ARN: ROLE })).toEqual({
      roleArn: ROLE,
      externalId: undefined,
      aws: {},
    });
    const more = { SLUICE_ASSUME_ROLE_EXTERNAL_ID: 'of/this:service', AWS_REGION: 'eu-west-1' };
    const endpoints = { AWS_ENDPOINT_URL: 'http://all:1', AWS_ENDPOINT_URL_STS: 'http://sts:1' };
    expect(roleOf({ SLUICE_ASSUME_ROLE_ARN: ROLE, ...more, ...endpoints })).toEqual({
      roleArn: ROLE,
      externalId: 'of/this:service',
      aws: { endpoint: 'http://sts:1', region: 'eu-west-1' },
    });
    expect(roleOf({ SLUICE_ASSUME_ROLE_ARN: ROLE, AWS_ENDPOINT_URL: 'http://all:1' })?.aws.endpoint).toBe(
      'http://all:1',
    );
  });

  test.each(['sluice', 'arn:aws:iam::1:role/a', 'arn:aws:iam::123456789012:user/a', `${ROLE} `])(
    '"%s" is none',
    (SLUICE_ASSUME_ROLE_ARN) => {
      expect(faultsOf({ SLUICE_ASSUME_ROLE_ARN })).toEqual([
        'SLUICE_ASSUME_ROLE_ARN: must be the ARN of a role: arn:aws:iam::123456789012:role/name',
      ]);
    },
  );

  test('has an external ID that STS takes, and none without it', () => {
    const fault = 'SLUICE_ASSUME_ROLE_EXTERNAL_ID: must be 2 to 1,224 letters, digits or + = , . @ : / - _';
    expect(faultsOf({ SLUICE_ASSUME_ROLE_ARN: ROLE, SLUICE_ASSUME_ROLE_EXTERNAL_ID: 'x' })).toEqual([fault]);
    expect(faultsOf({ SLUICE_ASSUME_ROLE_EXTERNAL_ID: 'mine' })).toEqual([
      'SLUICE_ASSUME_ROLE_EXTERNAL_ID: needs SLUICE_ASSUME_ROLE_ARN: it is for that role',
    ]);
  });

  test('needs S3, and a bucket that has an ARN by its name', () => {
    expect(faultsOf({ SLUICE_ASSUME_ROLE_ARN: ROLE, SLUICE_BACKEND: 'memory' })).toEqual([
      'SLUICE_ASSUME_ROLE_ARN: needs the s3 backend: it is for calls of S3',
    ]);
    const point = 'arn:aws:s3:eu-west-1:123456789012:accesspoint/mine';
    expect(faultsOf({ SLUICE_ASSUME_ROLE_ARN: ROLE, SLUICE_BUCKET: point })).toEqual([
      'SLUICE_BUCKET: must be the name of a bucket where SLUICE_ASSUME_ROLE_ARN is set: users are confined by its ARN',
    ]);
  });
});

describe('who may come in', () => {
  const usersOf = (environment: Record<string, string>) =>
    load({ SLUICE_USERS_FILE: '', ...environment }).users;

  test('is asked of a webhook, with a secret and ten seconds', () => {
    const SLUICE_AUTH_URL = 'https://auth.example.com/login';
    expect(usersOf({ SLUICE_AUTH_URL, SLUICE_AUTH_SECRET: '0123456789abcdef' })).toEqual({
      kind: 'webhook',
      url: new URL(SLUICE_AUTH_URL),
      secret: '0123456789abcdef',
      sign: undefined,
      timeoutMs: 10_000,
    });
    expect(usersOf({ SLUICE_AUTH_URL, SLUICE_AUTH_TIMEOUT_SECONDS: '3' })).toMatchObject({
      secret: undefined,
      timeoutMs: 3000,
    });
  });

  test.each(['http://127.0.0.1:8000/', 'http://localhost/login', 'http://[::1]:8000/'])(
    'is asked in the clear of this machine: %s',
    (url) => {
      expect(usersOf({ SLUICE_AUTH_URL: url })).toMatchObject({ kind: 'webhook' });
    },
  );

  test('is asked in the clear of no other', () => {
    expect(faultsOf({ SLUICE_USERS_FILE: '', SLUICE_AUTH_URL: 'http://auth.example.com/' })).toEqual([
      'SLUICE_AUTH_URL: must be an https URL: passwords go there',
    ]);
  });

  test('is asked of a module', () => {
    expect(usersOf({ SLUICE_AUTH_MODULE: './auth.js' })).toEqual({ kind: 'module', module: './auth.js' });
  });

  test('has a secret each below a prefix; homes are kept where each has a key prefix', () => {
    const SLUICE_USERS_SECRET_PREFIX = 'SFTP/';
    const secrets = { kind: 'secrets', variable: 'SLUICE_USERS_SECRET_PREFIX', prefix: 'SFTP/' };
    const aws = { endpoint: 'http://localhost:1', region: 'us-east-1' };
    expect(
      usersOf({ SLUICE_USERS_SECRET_PREFIX, AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://localhost:1' }),
    ).toEqual({ ...secrets, homeAttribute: undefined, aws });
    const homeOf = (env: Record<string, string>) => usersOf({ SLUICE_USERS_SECRET_PREFIX, ...env });
    expect(homeOf({ SLUICE_PREFIX: 'in/' })).toMatchObject({ homeAttribute: undefined });
    expect(homeOf({ SLUICE_PREFIX: 'session:home' })).toMatchObject({ homeAttribute: 'home' });
    expect(homeOf({ SLUICE_BACKEND: './mine.js' })).toMatchObject({ homeAttribute: 'prefix' });
  });

  test.each(['a b', 'SFTP/*', 'ä/', 'x'.repeat(449)])('has no secrets below "%s"', (prefix) => {
    expect(faultsOf({ SLUICE_USERS_FILE: '', SLUICE_USERS_SECRET_PREFIX: prefix })).toEqual([
      'SLUICE_USERS_SECRET_PREFIX: must be what the names of the secrets begin with: SFTP/',
    ]);
  });

  test.each([
    ['https://abc123.lambda-url.eu-west-1.on.aws/', 'lambda', {}, 'eu-west-1'],
    ['https://abc123.execute-api.us-gov-west-1.amazonaws.com/prod', 'execute-api', {}, 'us-gov-west-1'],
    ['https://abc123.lambda-url.eu-west-1.on.aws/', 'lambda', { AWS_REGION: 'eu-north-1' }, 'eu-west-1'],
    ['https://auth.example.com/', 'execute-api', { AWS_REGION: 'eu-north-1' }, 'eu-north-1'],
    ['https://auth.example.com/', 'execute-api', { AWS_DEFAULT_REGION: 'eu-south-1' }, 'eu-south-1'],
  ])('is asked with a signature: %s for %s', (url, service, env, region) => {
    const users = usersOf({ SLUICE_AUTH_URL: url, SLUICE_AUTH_SIGN: service, ...env });
    expect(users).toMatchObject({ kind: 'webhook', sign: { service, region } });
  });

  test('is asked with a signature of a webhook alone, without a secret, and in a region', () => {
    expect(faultsOf({ SLUICE_AUTH_SIGN: 'lambda' })).toEqual([
      'SLUICE_AUTH_SIGN: needs SLUICE_AUTH_URL: its questions are what is signed',
    ]);
    const SLUICE_AUTH_URL = 'https://auth.example.com/';
    const SLUICE_AUTH_SECRET = '0123456789abcdef';
    const signed = { SLUICE_USERS_FILE: '', SLUICE_AUTH_URL, SLUICE_AUTH_SIGN: 'lambda' };
    expect(faultsOf({ ...signed, SLUICE_AUTH_SECRET })).toEqual([
      'SLUICE_AUTH_SIGN: cannot be set together with SLUICE_AUTH_SECRET: the signature takes its header, and says more',
      'SLUICE_AUTH_SIGN: needs AWS_REGION: the host of SLUICE_AUTH_URL names no region',
    ]);
    expect(faultsOf({ ...signed, SLUICE_AUTH_SIGN: 's3', AWS_REGION: 'eu-west-1' })).toEqual([
      'SLUICE_AUTH_SIGN: must be one of: off, lambda, execute-api',
    ]);
  });

  test('is known by one of them alone, and a secret goes with a webhook', () => {
    expect(faultsOf({ SLUICE_AUTH_MODULE: './auth.js' })).toEqual([
      'SLUICE_USERS_FILE: cannot be set together with SLUICE_AUTH_MODULE: leave one of them unset',
    ]);
    expect(faultsOf({ SLUICE_AUTH_SECRET: '0123456789abcdef' })).toEqual([
      'SLUICE_AUTH_SECRET: needs SLUICE_AUTH_URL: it proves to the webhook who asks',
    ]);
  });
});

describe('how AWS is reached', () => {
  const QUEUE = { SLUICE_QUEUE_URL: 'http://localhost:4566/1/jobs' };
  const awsOf = (environment: Record<string, string>) => {
    const { backend, jobs } = load({ ...QUEUE, ...environment });
    return { s3: backend.kind === 's3' ? backend.aws : undefined, sqs: jobs?.aws };
  };

  test('by its own endpoint, each service by the one that names it', () => {
    const found = awsOf({
      AWS_ENDPOINT_URL: 'http://all:1',
      AWS_ENDPOINT_URL_S3: 'http://s3:1',
      AWS_REGION: 'eu-west-1',
    });
    expect(found).toEqual({
      s3: { endpoint: 'http://s3:1', region: 'eu-west-1' },
      sqs: { endpoint: 'http://all:1', region: 'eu-west-1' },
    });
    expect(awsOf({ AWS_ENDPOINT_URL_SQS: 'http://sqs:1', AWS_REGION: 'x' })).toEqual({
      s3: { region: 'x' },
      sqs: { endpoint: 'http://sqs:1', region: 'x' },
    });
  });

  test('Secrets Manager as well, for the host keys and the users that are secrets', () => {
    const SLUICE_HOST_KEYS_SECRET = 'arn:aws:secretsmanager:eu-west-1:1:secret:keys';
    const secrets = { SLUICE_HOST_KEYS_SECRET, SLUICE_USERS_SECRET: 'users', SLUICE_BUCKET: 'files' };
    const endpoint = 'http://secrets:1';
    const aws = { endpoint, region: 'eu-west-1' };
    expect(
      loadConfig(
        {},
        { ...secrets, AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint, AWS_DEFAULT_REGION: 'eu-west-1' },
      ),
    ).toMatchObject({
      backend: { aws: { region: 'eu-west-1' } },
      hostKeys: {
        kind: 'secret',
        variable: 'SLUICE_HOST_KEYS_SECRET',
        secretId: SLUICE_HOST_KEYS_SECRET,
        aws,
      },
      users: { kind: 'secret', variable: 'SLUICE_USERS_SECRET', secretId: 'users', aws },
    });
    expect(loadConfig({}, { ...secrets, AWS_ENDPOINT_URL: 'http://all:1' }).users).toMatchObject({
      aws: { endpoint: 'http://all:1', region: 'us-east-1' },
    });
  });

  test('a store that is not AWS is signed for some region, AWS only for the one that is set', () => {
    expect(awsOf({ AWS_ENDPOINT_URL: 'http://all:1' }).s3).toEqual({
      endpoint: 'http://all:1',
      region: 'us-east-1',
    });
    expect(awsOf({})).toEqual({ s3: {}, sqs: {} });
  });

  test('AWS_REGION goes before AWS_DEFAULT_REGION', () => {
    expect(awsOf({ AWS_DEFAULT_REGION: 'b' }).s3).toEqual({ region: 'b' });
    expect(awsOf({ AWS_DEFAULT_REGION: 'b', AWS_REGION: 'a' }).s3).toEqual({ region: 'a' });
  });

  test('never with credentials of ours: the SDK finds them', () => {
    const found = awsOf({
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 'b',
      AWS_ENDPOINT_URL: 'http://all:1',
    });
    expect(JSON.stringify(found)).not.toMatch(/credentials/);
  });

  test('a receiver of spans is known by either of its variables', () => {
    expect(load({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://otel:4318' }).hasTraceReceiver).toBe(true);
    expect(load({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://otel:4318' }).hasTraceReceiver).toBe(true);
  });
});

test('a variable that looks like ours and is not is named', () => {
  expect(
    unknownVariables({ ...MINIMAL, SLUICE_BUKET: 'x', SLUICE_: 'y', PATH: '/', sluice_port: '1' }),
  ).toEqual(['SLUICE_BUKET', 'SLUICE_']);
  expect(unknownVariables(Object.fromEntries(ENV_NAMES.map((name) => [name, 'x'])))).toEqual([]);
});
