import { Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import type { Role } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, test, vi } from 'vitest';
import { SluiceCredentials, type SluiceCredentialsProps } from '../cdk/credentials.ts';
import { flaggedApp, KEY_ARN, propertiesOf, templateOf } from './support/appliance.ts';
import { grantsOf } from './support/readable.ts';

// The library checks every template that it synthesizes, and loads its rules for that when the first one is.
vi.setConfig({ testTimeout: 30_000 });

const SECRET_ARN = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:mine-a1b2c3';

function credentialsWith(propsOf: (stack: Stack) => SluiceCredentialsProps = () => ({})): SluiceCredentials {
  const stack = new Stack(flaggedApp(), 'Test');
  return new SluiceCredentials(stack, 'Credentials', propsOf(stack));
}

const existing = (stack: Stack, id: string) => Secret.fromSecretCompleteArn(stack, id, `${SECRET_ARN}`);

function roleOfFunction(credentials: SluiceCredentials): Role {
  return credentials.node.findChild('HostKeysFunctionRole') as Role;
}

describe('new secrets', () => {
  test('are two, which outlive the deletion and the replacement of their stack resources', () => {
    const template = templateOf(credentialsWith());
    template.resourceCountIs('AWS::SecretsManager::Secret', 2);
    template.allResources('AWS::SecretsManager::Secret', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
    });
  });

  test('begin without any key and without any user: nothing secret is in the template', () => {
    const template = templateOf(credentialsWith());
    const initial = Object.values(template.findResources('AWS::SecretsManager::Secret'));
    expect(initial.map(({ Properties }) => Properties.SecretString).sort()).toEqual(['{"users":[]}', '{}']);
    // The code of the function names the markers by which it tells the formats apart, and holds no key.
    expect(JSON.stringify(template.toJSON())).not.toMatch(/PRIVATE KEY-----(\\\\n|\\n)?[A-Za-z0-9+/]{20}/);
  });

  test("are encrypted with the account's key unless one is given, and then with that", () => {
    templateOf(credentialsWith()).allResourcesProperties('AWS::SecretsManager::Secret', {
      KmsKeyId: Match.absent(),
    });
    templateOf(
      credentialsWith((stack) => ({ encryptionKey: Key.fromKeyArn(stack, 'Key', KEY_ARN) })),
    ).allResourcesProperties('AWS::SecretsManager::Secret', { KmsKeyId: KEY_ARN });
  });
});

describe('the function that makes host keys', () => {
  test('may read and write its one secret, and its own log, and nothing else', () => {
    const credentials = credentialsWith();
    expect(grantsOf(roleOfFunction(credentials))).toEqual([
      'logs:CreateLogStream <Credentials/HostKeysFunctionLog.Arn>',
      'logs:PutLogEvents <Credentials/HostKeysFunctionLog.Arn>',
      'secretsmanager:DescribeSecret <Credentials/HostKeys>',
      'secretsmanager:GetSecretValue <Credentials/HostKeys>',
      'secretsmanager:PutSecretValue <Credentials/HostKeys>',
      'secretsmanager:UpdateSecret <Credentials/HostKeys>',
      'secretsmanager:UpdateSecretVersionStage <Credentials/HostKeys>',
    ]);
    const roles = Object.values(templateOf(credentials).findResources('AWS::IAM::Role'));
    expect(roles).toHaveLength(1);
    expect(roles[0]?.['Properties']).not.toHaveProperty('ManagedPolicyArns');
  });

  test('may use the key of its secret, and no other', () => {
    const credentials = credentialsWith((stack) => ({
      encryptionKey: Key.fromKeyArn(stack, 'Key', KEY_ARN),
    }));
    const ofKeys = grantsOf(roleOfFunction(credentials)).filter((grant) => grant.startsWith('kms:'));
    expect(ofKeys).toEqual([`kms:Decrypt ${KEY_ARN}`, `kms:GenerateDataKey ${KEY_ARN}`]);
  });

  test('runs with that role, and writes into a log that is kept for a month and goes with the stack', () => {
    const credentials = credentialsWith();
    const stack = Stack.of(credentials);
    const logGroup = { Ref: expect.stringContaining('HostKeysFunctionLog') };
    expect(propertiesOf(credentials, 'AWS::Lambda::Function')).toMatchObject({
      Role: stack.resolve(roleOfFunction(credentials).roleArn),
      LoggingConfig: { LogGroup: logGroup },
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
    });
    templateOf(credentials).hasResource('AWS::Logs::LogGroup', {
      DeletionPolicy: 'Delete',
      Properties: { RetentionInDays: 30 },
    });
  });

  test('is asked when its rights are there, and answers before they go', () => {
    const template = templateOf(credentialsWith());
    const [policy = ''] = Object.keys(template.findResources('AWS::IAM::Policy'));
    template.hasResource('Custom::SluiceHostKeys', { DependsOn: Match.arrayWith([policy]) });
  });

  test('is told the secret, and tells the fingerprints', () => {
    const credentials = credentialsWith();
    const stack = Stack.of(credentials);
    expect(propertiesOf(credentials, 'Custom::SluiceHostKeys')).toMatchObject({
      SecretId: stack.resolve(credentials.hostKeys.secretArn),
    });
    expect(stack.resolve(credentials.fingerprints)).toEqual({
      'Fn::GetAtt': [expect.stringContaining('HostKeysMade'), 'Fingerprints'],
    });
  });
});

describe('secrets of users', () => {
  test('are made by somebody else: one secret is new, and none is of users', () => {
    const credentials = credentialsWith(() => ({ userSecretsPrefix: 'SFTP/' }));
    expect(credentials.users).toBeUndefined();
    expect(credentials.userSecrets).toEqual({ prefix: 'SFTP/', key: undefined });
    templateOf(credentials).resourceCountIs('AWS::SecretsManager::Secret', 1);
  });

  test('are refused with a prefix that none could have, beside the one of all, and a key without them', () => {
    const wrong = (propsOf: (stack: Stack) => SluiceCredentialsProps) => () => credentialsWith(propsOf);
    expect(wrong(() => ({ userSecretsPrefix: 'a b' }))).toThrow(
      'userSecretsPrefix must be what the names of the secrets begin with: SFTP/',
    );
    expect(wrong(() => ({ userSecretsPrefix: '' }))).toThrow('userSecretsPrefix must be');
    expect(
      wrong((stack) => ({ userSecretsPrefix: 'SFTP/', existingUsers: existing(stack, 'MyUsers') })),
    ).toThrow('userSecretsPrefix and existingUsers exclude each other: users are in one place');
    expect(wrong((stack) => ({ userSecretsKey: Key.fromKeyArn(stack, 'Key', KEY_ARN) }))).toThrow(
      'userSecretsKey needs userSecretsPrefix: it is the key of those secrets',
    );
  });
});

describe('existing secrets', () => {
  test('are exposed as they are, and nothing is created', () => {
    const stack = new Stack(flaggedApp(), 'Test');
    const existingHostKeys = existing(stack, 'MyKeys');
    const existingUsers = existing(stack, 'MyUsers');
    const credentials = new SluiceCredentials(stack, 'Credentials', { existingHostKeys, existingUsers });
    expect(credentials.hostKeys).toBe(existingHostKeys);
    expect(credentials.users).toBe(existingUsers);
    expect(credentials.fingerprints).toBeUndefined();
    expect(credentials.node.children).toEqual([]);
  });

  test('may be one of the two: no function is made where there are host keys', () => {
    const withKeys = templateOf(
      credentialsWith((stack) => ({ existingHostKeys: existing(stack, 'MyKeys') })),
    );
    withKeys.resourceCountIs('AWS::SecretsManager::Secret', 1);
    withKeys.resourceCountIs('AWS::Lambda::Function', 0);
    const withUsers = templateOf(credentialsWith((stack) => ({ existingUsers: existing(stack, 'MyUsers') })));
    withUsers.resourceCountIs('AWS::SecretsManager::Secret', 1);
    withUsers.resourceCountIs('AWS::Lambda::Function', 1);
  });

  test('are refused together with a key for new ones when both are passed in', () => {
    const create = () =>
      credentialsWith((stack) => ({
        existingHostKeys: existing(stack, 'MyKeys'),
        existingUsers: existing(stack, 'MyUsers'),
        encryptionKey: Key.fromKeyArn(stack, 'Key', KEY_ARN),
      }));
    expect(create).toThrow(
      'Test/Credentials: invalid props\n' +
        '  - encryptionKey has no effect on a resource passed in; ' +
        'leave out encryptionKey or existingHostKeys and existingUsers',
    );
  });
});
