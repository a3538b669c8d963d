import { readFileSync } from 'node:fs';
import { CustomResource, Duration, RemovalPolicy, SecretValue } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { conflictFaults, refuseFaults } from './faults.ts';

const HOST_KEYS_FUNCTION = new URL('host-keys-function.js', import.meta.url);

export interface SluiceCredentialsProps {
  /**
   * A secret with host keys to use as it is: a JSON object of private keys by name (docs/secrets.md). Partners who move
   * from another server then see the host key that they know.
   *
   * @default - a new secret with an ed25519, an ECDSA and an RSA key, made once when the stack is, and kept when it is deleted
   */
  readonly existingHostKeys?: ISecret;

  /**
   * A secret with the users document to use as it is (docs/users.md).
   *
   * @default - a new secret with a users document without users, kept when the stack is deleted
   */
  readonly existingUsers?: ISecret;

  /**
   * What the names of secrets begin with that hold one user each, as those of AWS Transfer Family's identity providers do: `SFTP/`
   * (docs/from-transfer-family.md). They are somebody else's to make; the tasks may read every secret whose name begins so. An error
   * together with `existingUsers`.
   *
   * @default - all users are in one secret
   */
  readonly userSecretsPrefix?: string;

  /**
   * KMS key by which the secrets of `userSecretsPrefix` are encrypted.
   *
   * @default - the account's key for Secrets Manager (`aws/secretsmanager`)
   */
  readonly userSecretsKey?: IKey;

  /**
   * KMS key for the new secrets.
   *
   * @default - the account's key for Secrets Manager (`aws/secretsmanager`)
   */
  readonly encryptionKey?: IKey;
}

/** Secrets of users: what their names begin with, and by what they are encrypted. */
export interface UserSecrets {
  readonly prefix: string;
  readonly key: IKey | undefined;
}

/** Who the server is, and who may come in: two secrets, or one and those of users. The tasks may read both and write neither. */
export class SluiceCredentials extends Construct {
  readonly hostKeys: ISecret;

  /** With the users document; undefined where users have a secret each. */
  readonly users: ISecret | undefined;

  /** Of secrets that hold one user each; undefined where all are in one. */
  readonly userSecrets: UserSecrets | undefined;

  /** Of the host keys, one a line: `ssh-ed25519 SHA256:...`; undefined for keys that were passed in. */
  readonly fingerprints: string | undefined;

  constructor(scope: Construct, id: string, props: SluiceCredentialsProps = {}) {
    super(scope, id);
    const { existingHostKeys, existingUsers, userSecretsPrefix, userSecretsKey, encryptionKey } = props;
    refuseFaults(this, userSecretsFaults(props));
    if (existingHostKeys && (existingUsers || userSecretsPrefix !== undefined)) {
      const users = existingUsers ? 'existingUsers' : 'userSecretsPrefix';
      refuseFaults(this, conflictFaults(`existingHostKeys and ${users}`, { encryptionKey }));
    }
    this.userSecrets =
      userSecretsPrefix === undefined ? undefined : { prefix: userSecretsPrefix, key: userSecretsKey };
    const createSecret = (id: string, description: string, initial: string, unrotated: string): ISecret => {
      const secret = new Secret(this, id, {
        ...(encryptionKey === undefined ? {} : { encryptionKey }),
        description,
        // Deployments write it again only when it changes here, which it does not.
        secretStringValue: SecretValue.unsafePlainText(initial),
        removalPolicy: RemovalPolicy.RETAIN,
      });
      acknowledge(secret, { 'AwsSolutions-SMG4': unrotated });
      return secret as ISecret;
    };
    this.users =
      userSecretsPrefix !== undefined
        ? undefined
        : (existingUsers ??
          createSecret(
            'Users',
            'Sluice: the users document',
            '{"users":[]}',
            'It holds hashes of passwords and public keys: new ones come from partners, not by a schedule.',
          ));
    if (existingHostKeys) {
      this.hostKeys = existingHostKeys;
      return;
    }
    this.hostKeys = createSecret(
      'HostKeys',
      'Sluice: the private keys that prove which server it is',
      '{}',
      'Partners know the server by these keys: other ones look like an attack to their clients.',
    );
    this.fingerprints = makeHostKeys(this, this.hostKeys);
  }
}

function userSecretsFaults(props: SluiceCredentialsProps): string[] {
  const { existingUsers, userSecretsPrefix: prefix, userSecretsKey } = props;
  const faults: string[] = [];
  if (prefix !== undefined && !/^[\w/+=.@-]{1,448}$/.test(prefix))
    faults.push('userSecretsPrefix must be what the names of the secrets begin with: SFTP/');
  if (prefix !== undefined && existingUsers !== undefined)
    faults.push('userSecretsPrefix and existingUsers exclude each other: users are in one place');
  if (prefix === undefined && userSecretsKey !== undefined)
    faults.push('userSecretsKey needs userSecretsPrefix: it is the key of those secrets');
  return faults;
}

/** Has a function make the keys, so that they are in no template, and tells their fingerprints. */
function makeHostKeys(scope: Construct, hostKeys: ISecret): string {
  const logGroup = new LogGroup(scope, 'HostKeysFunctionLog', {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const role = new Role(scope, 'HostKeysFunctionRole', {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
  });
  role.addToPolicy(
    new PolicyStatement({
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    }),
  );
  hostKeys.grantRead(role);
  hostKeys.grantWrite(role);
  // The two say it in the key's policy alone, which of a key that was passed in is its owner's.
  hostKeys.encryptionKey?.grant(role, 'kms:Decrypt', 'kms:GenerateDataKey');
  const maker = new LambdaFunction(scope, 'HostKeysFunction', {
    description: 'Sluice: makes the host keys when there are none',
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    handler: 'index.handler',
    code: Code.fromInline(withoutComments(readFileSync(HOST_KEYS_FUNCTION, 'utf8'))),
    timeout: Duration.minutes(1),
    memorySize: 512,
    logGroup,
    role,
  });
  const made = new CustomResource(scope, 'HostKeysMade', {
    serviceToken: maker.functionArn,
    resourceType: 'Custom::SluiceHostKeys',
    properties: { SecretId: hostKeys.secretArn },
  });
  // It must be able to read and write before it is asked to, and to answer when the stack goes.
  made.node.addDependency(role);
  return made.getAttString('Fingerprints');
}

/** Inline code may have 4,096 characters (AWS::Lambda::Function, ZipFile), and its comments are for readers of this repository. */
function withoutComments(code: string): string {
  return code.replace(/^\s*(\/\/|\/\*\*).*\n/gm, '');
}
