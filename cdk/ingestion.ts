import { Stack } from 'aws-cdk-lib';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { COLLECTOR_MIB, EXPORT_ENVIRONMENT, NO_EXPORT_ENVIRONMENT } from './collector.ts';
import { SluiceCredentials, type SluiceCredentialsProps } from './credentials.ts';
import { type Environment, SETTINGS, type Settings } from './environment.ts';
import { refuseFaults } from './faults.ts';
import { SluiceFrontDoor, type SluiceFrontDoorProps } from './front-door.ts';
import { SluiceJobs, type SluiceJobsProps } from './jobs.ts';
import { SluiceNetwork, type SluiceNetworkProps } from './network.ts';
import { SluiceObservability, type SluiceObservabilityProps } from './observability.ts';
import { SluiceService, type SluiceServiceProps } from './service.ts';
import { INTERNAL_PREFIX, SluiceStorage, type SluiceStorageProps } from './storage.ts';
import { MAX_DRAIN_SECONDS, PORTS } from './task.ts';

export interface SftpIngestionProps {
  /**
   * The bucket that uploads go to.
   *
   * @default - a new bucket with the defaults of {@link SluiceStorageProps}
   */
  readonly storage?: SluiceStorageProps;

  /**
   * The queue of the jobs.
   *
   * @default - a new queue with the defaults of {@link SluiceJobsProps}
   */
  readonly jobs?: SluiceJobsProps;

  /**
   * Where uploads are reported that have come to nothing (docs/jobs.md).
   *
   * @default - nowhere
   */
  readonly failureQueue?: IQueue;

  /**
   * Host keys and users.
   *
   * @default - two new secrets, as {@link SluiceCredentialsProps} has them
   */
  readonly credentials?: SluiceCredentialsProps;

  /**
   * The VPC and its subnets.
   *
   * @default - a new VPC with the defaults of {@link SluiceNetworkProps}
   */
  readonly network?: SluiceNetworkProps;

  /**
   * What partners connect to.
   *
   * @default - an internet-facing load balancer with the defaults of {@link SluiceFrontDoorProps}
   */
  readonly frontDoor?: SluiceFrontDoorProps;

  /**
   * The tasks.
   *
   * @default - as {@link SluiceServiceProps} has them
   */
  readonly service?: SluiceServiceProps;

  /**
   * Traces, metrics, dashboard and alarms.
   *
   * @default - as {@link SluiceObservabilityProps} has them
   */
  readonly observability?: SluiceObservabilityProps;

  /**
   * Where in the bucket uploads go: a folder for all users (`in/`), or `session:KEY` for one that each user's entry in the users
   * document names.
   *
   * @default - the whole bucket
   */
  readonly keyPrefix?: string;

  /**
   * The folders that users' entries may name, or that these lie in, where `keyPrefix` is `session:KEY`: the tasks may touch nothing
   * else. An error otherwise.
   *
   * @default - the whole bucket for `session:KEY`, `keyPrefix` otherwise
   */
  readonly allowedKeyPrefixes?: readonly string[];

  /**
   * Whether each user's files are reached by credentials that are good for nothing else (docs/tenancy.md): a role besides that of the
   * tasks, which the tasks assume for each user. It makes a difference where `keyPrefix` is `session:KEY`.
   *
   * @default false - by the role of the tasks
   */
  readonly assumeRole?: boolean;

  /**
   * Further settings of the service, as environment variables (README.md).
   *
   * @default - the service's own defaults
   */
  readonly settings?: Settings;
}

/**
 * Files by SFTP into a bucket, and a job on a queue for each: the whole appliance, to be put into a stack.
 *
 * Everything it makes or was given can be had from its properties.
 */
export class SftpIngestion extends Construct {
  readonly storage: SluiceStorage;
  readonly jobs: SluiceJobs;
  readonly credentials: SluiceCredentials;
  readonly network: SluiceNetwork;
  readonly frontDoor: SluiceFrontDoor;
  readonly service: SluiceService;
  readonly observability: SluiceObservability;

  constructor(scope: Construct, id: string, props: SftpIngestionProps = {}) {
    super(scope, id);
    refuseFaults(this, ingestionFaults(props));
    const { failureQueue } = props;
    const drainSeconds = props.service?.drainSeconds ?? MAX_DRAIN_SECONDS;
    this.storage = new SluiceStorage(this, 'Storage', props.storage);
    this.jobs = new SluiceJobs(this, 'Jobs', props.jobs);
    this.credentials = new SluiceCredentials(this, 'Credentials', props.credentials);
    this.network = new SluiceNetwork(this, 'Network', props.network);
    this.frontDoor = new SluiceFrontDoor(this, 'FrontDoor', {
      ...props.frontDoor,
      network: this.network,
      taskPort: PORTS.sftp,
      healthPort: PORTS.health,
    });
    const { collector = true, namespace = `Sluice/${Stack.of(this).stackName}` } = props.observability ?? {};
    this.service = new SluiceService(this, 'Service', {
      ...props.service,
      network: this.network,
      frontDoor: this.frontDoor,
      permissions: {
        bucket: this.storage.bucket,
        keyPrefixes: keyPrefixesOf(props),
        queues: [this.jobs.queue, ...(failureQueue === undefined ? [] : [failureQueue])],
        secrets: [this.credentials.hostKeys, this.credentials.users].filter((secret) => secret !== undefined),
        userSecrets: this.credentials.userSecrets,
        hasTenantRole: props.assumeRole === true,
        looksAtFiles: props.settings?.SLUICE_JOBS === 'every-object',
      },
      environment: {
        ...this.#environment(props),
        ...(collector ? EXPORT_ENVIRONMENT : NO_EXPORT_ENVIRONMENT),
      },
      drainSeconds,
      reservedMiB: collector ? COLLECTOR_MIB : 0,
    });
    // No task can say who it is before there are keys.
    this.service.service.node.addDependency(this.credentials);
    this.observability = new SluiceObservability(this, 'Observability', {
      ...props.observability,
      metricsNamespace: collector ? namespace : undefined,
      service: this.service,
      frontDoor: this.frontDoor,
      deadLetterQueue: this.jobs.deadLetterQueue,
    });
  }

  #environment({ keyPrefix, failureQueue, settings }: SftpIngestionProps): Environment {
    return {
      ...settings,
      SLUICE_BUCKET: this.storage.bucket.bucketName,
      ...(keyPrefix === undefined ? {} : { SLUICE_PREFIX: keyPrefix }),
      SLUICE_QUEUE_URL: this.jobs.queue.queueUrl,
      ...(failureQueue === undefined ? {} : { SLUICE_FAILURE_QUEUE_URL: failureQueue.queueUrl }),
      SLUICE_HOST_KEYS_SECRET: this.credentials.hostKeys.secretArn,
      ...(this.credentials.users === undefined
        ? {}
        : { SLUICE_USERS_SECRET: this.credentials.users.secretArn }),
      ...(this.credentials.userSecrets === undefined
        ? {}
        : { SLUICE_USERS_SECRET_PREFIX: this.credentials.userSecrets.prefix }),
      SLUICE_PROXY_PROTOCOL: 'v2',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    };
  }
}

function keyPrefixesOf({ keyPrefix = '', allowedKeyPrefixes = [''] }: SftpIngestionProps): readonly string[] {
  return (isOfSession(keyPrefix) ? allowedKeyPrefixes : [keyPrefix]).map(toFolder);
}

/** What the service makes of a prefix: without it `in` would be `inventory/`, too. */
function toFolder(prefix: string): string {
  const bare = prefix.replace(/^\/+|\/+$/g, '');
  return bare === '' ? '' : `${bare}/`;
}

const isOfSession = (keyPrefix: string) => keyPrefix.startsWith('session:');

function ingestionFaults({
  keyPrefix = '',
  allowedKeyPrefixes,
  settings = {},
}: SftpIngestionProps): string[] {
  const faults: string[] = [];
  if (keyPrefix === 'session:') faults.push('keyPrefix must name a session attribute after "session:"');
  for (const prefix of [keyPrefix, ...(allowedKeyPrefixes ?? [])]) {
    if (toFolder(prefix).startsWith(INTERNAL_PREFIX)) {
      faults.push(`"${prefix}" is where the service keeps its own objects; no uploads go there`);
    }
  }
  if (allowedKeyPrefixes !== undefined && !isOfSession(keyPrefix)) {
    faults.push(
      'allowedKeyPrefixes needs keyPrefix to be session:KEY; otherwise keyPrefix is the one allowed',
    );
  }
  if (allowedKeyPrefixes?.length === 0)
    faults.push('allowedKeyPrefixes must not be empty: no upload could be kept');
  const known: readonly string[] = SETTINGS;
  for (const name of Object.keys(settings)) {
    if (!known.includes(name))
      faults.push(`settings: ${name} is set by the construct, or is no setting of the service`);
  }
  return faults;
}
