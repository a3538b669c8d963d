import type { Stack } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, test, vi } from 'vitest';
import { SETTINGS } from '../cdk/environment.ts';
import type { SftpIngestion, SftpIngestionProps } from '../cdk/ingestion.ts';
import { ENV_NAMES } from '../src/config/env-names.ts';
import { loadConfig, unknownVariables } from '../src/config/load.ts';
import { ingestionWith, propertiesOf } from './support/appliance.ts';

// The library checks every template that it synthesizes, and loads its rules for that when the first one is.
vi.setConfig({ testTimeout: 30_000 });

/** What a deployment makes of the values that the template does not know. */
const DEPLOYED: Readonly<Record<string, string>> = {
  SLUICE_ASSUME_ROLE_ARN: 'arn:aws:iam::111122223333:role/Sluice-ServiceTenantRole-1abc2def3ghi',
  SLUICE_BUCKET: 'sluice-storagebucket-1abc2def3ghi',
  SLUICE_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/111122223333/Sluice-JobsQueue-1abc2def3ghi',
  SLUICE_FAILURE_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/111122223333/Failures',
  SLUICE_HOST_KEYS_SECRET: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:HostKeys-a1b2c3',
  SLUICE_USERS_SECRET: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:Users-a1b2c3',
};

interface Container {
  readonly Name: string;
  readonly Environment: readonly { readonly Name: string; readonly Value: unknown }[];
}

const containersOf = (ingestion: SftpIngestion) =>
  propertiesOf<{ ContainerDefinitions: readonly Container[] }>(ingestion, 'AWS::ECS::TaskDefinition')
    .ContainerDefinitions;

/** Of the service, as its process has it when the stack is deployed. */
function environmentOf(ingestion: SftpIngestion): Record<string, string> {
  const service = containersOf(ingestion).find(({ Name }) => Name === 'sluice');
  const variables = (service?.Environment ?? []).map(({ Name, Value }) => {
    const value = typeof Value === 'string' ? Value : DEPLOYED[Name];
    if (value === undefined) throw new Error(`what is ${Name} when it is deployed?`);
    return [Name, value];
  });
  return { ...Object.fromEntries(variables), AWS_REGION: 'eu-west-1' };
}

const configOf = (propsOf?: (stack: Stack) => SftpIngestionProps) =>
  loadConfig({}, environmentOf(ingestionWith(propsOf)));

describe('the environment of the service', () => {
  test('is taken by the service, which then listens and keeps files where the stack has it', () => {
    expect(configOf()).toMatchObject({
      port: 2222,
      healthPort: 8080,
      backend: { kind: 's3', bucket: DEPLOYED['SLUICE_BUCKET'], prefix: '' },
      jobs: { queueUrl: DEPLOYED['SLUICE_QUEUE_URL'], failureQueueUrl: undefined },
      drainSeconds: 100,
      memoryBudgetBytes: 256 * 1024 * 1024,
      spool: { folder: '/var/lib/sluice' },
      hasTraceReceiver: true,
    });
  });

  test('has host keys and users come from the secrets, and addresses of clients by PROXY protocol', () => {
    expect(configOf()).toMatchObject({
      hostKeys: { secretId: DEPLOYED['SLUICE_HOST_KEYS_SECRET'] },
      users: { secretId: DEPLOYED['SLUICE_USERS_SECRET'] },
      trustedProxies: expect.arrayContaining(['10.0.0.0/8']),
    });
  });

  test('has users come from a secret each where they have one', () => {
    const credentials = { userSecretsPrefix: 'SFTP/' };
    expect(configOf(() => ({ credentials, keyPrefix: 'session:prefix' }))).toMatchObject({
      users: { kind: 'secrets', prefix: 'SFTP/', homeAttribute: 'prefix' },
    });
  });

  test('has a queue for failures, and a prefix, where the stack has', () => {
    const config = configOf((stack) => ({
      failureQueue: new Queue(stack, 'Failures'),
      keyPrefix: 'session:prefix',
    }));
    expect(config).toMatchObject({
      backend: { prefix: 'session:prefix' },
      jobs: { failureQueueUrl: DEPLOYED['SLUICE_FAILURE_QUEUE_URL'] },
    });
  });

  test('has the role for users that the stack has made', () => {
    const role = 'arn:aws:iam::111122223333:role/Sluice-ServiceTenantRole-1abc2def3ghi';
    const keyPrefix = 'session:prefix';
    expect(configOf(() => ({ keyPrefix, assumeRole: true }))).toMatchObject({
      backend: { assumeRole: { roleArn: role, externalId: undefined } },
    });
    expect(configOf(() => ({ keyPrefix })).backend).toMatchObject({ assumeRole: undefined });
  });

  test('takes settings as they are given', () => {
    const settings = { SLUICE_LOG_LEVEL: 'debug', SLUICE_DUPLICATES: 'reject', SLUICE_MAX_SESSIONS: '50' };
    const config = configOf(() => ({ settings }));
    expect(config).toMatchObject({ logLevel: 'debug', duplicates: 'reject', maxSessions: 50 });
  });

  test('is taken without a collector, too', () => {
    expect(configOf(() => ({ observability: { collector: false } })).hasTraceReceiver).toBe(false);
  });

  test('has no name of ours that the service does not know; those of the collector begin otherwise', () => {
    const ingestion = ingestionWith();
    expect(unknownVariables(environmentOf(ingestion))).toEqual([]);
    const known: readonly string[] = ENV_NAMES;
    const names = containersOf(ingestion).flatMap(({ Environment }) => Environment.map(({ Name }) => Name));
    const others = names.filter((name) => name.startsWith('SLUICE_') && !known.includes(name));
    expect(others.length).toBeGreaterThan(0);
    for (const name of others) expect(name).toMatch(/^SLUICE_(METRICS|COLLECTOR)_/);
  });

  test('can be set by settings in what nothing else depends on, and in nothing twice', () => {
    const made = Object.keys(
      environmentOf(ingestionWith((stack) => ({ failureQueue: new Queue(stack, 'F') }))),
    );
    expect(SETTINGS.filter((name) => made.includes(name))).toEqual([]);
  });
});

describe('props of the appliance', () => {
  test('are refused when prefixes are allowed that no session names', () => {
    expect(() => ingestionWith(() => ({ allowedKeyPrefixes: ['in/'] }))).toThrow(
      'Test/Sluice: invalid props\n' +
        '  - allowedKeyPrefixes needs keyPrefix to be session:KEY; otherwise keyPrefix is the one allowed',
    );
  });

  test('are refused when no prefix is allowed at all', () => {
    expect(() => ingestionWith(() => ({ keyPrefix: 'session:prefix', allowedKeyPrefixes: [] }))).toThrow(
      'Test/Sluice: invalid props\n  - allowedKeyPrefixes must not be empty: no upload could be kept',
    );
  });

  test('are refused with prefixes that the service refuses', () => {
    expect(() => ingestionWith(() => ({ keyPrefix: 'session:' }))).toThrow(
      'Test/Sluice: invalid props\n  - keyPrefix must name a session attribute after "session:"',
    );
    const reserved = '/.sluice/in';
    const fault = `Test/Sluice: invalid props\n  - "${reserved}" is where the service keeps its own objects; no uploads go there`;
    expect(() => ingestionWith(() => ({ keyPrefix: reserved }))).toThrow(fault);
    expect(() =>
      ingestionWith(() => ({ keyPrefix: 'session:prefix', allowedKeyPrefixes: [reserved] })),
    ).toThrow(fault);
    for (const keyPrefix of ['session:', reserved]) {
      const environment = { ...environmentOf(ingestionWith()), SLUICE_PREFIX: keyPrefix };
      expect(() => loadConfig({}, environment)).toThrow('SLUICE_PREFIX');
    }
  });

  test('are refused with settings that the construct makes, or that there are not, all in one error', () => {
    const settings = { SLUICE_PORT: '22', SLUICE_LOG_LEVEL: 'info', SLUICE_LOGLEVEL: 'info' };
    expect(() => ingestionWith(() => ({ settings }))).toThrow(
      'Test/Sluice: invalid props\n' +
        '  - settings: SLUICE_PORT is set by the construct, or is no setting of the service\n' +
        '  - settings: SLUICE_LOGLEVEL is set by the construct, or is no setting of the service',
    );
  });
});
