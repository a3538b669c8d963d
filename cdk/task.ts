import { Duration } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import {
  Capability,
  ContainerImage,
  CpuArchitecture,
  FargateTaskDefinition,
  LinuxParameters,
  LogDriver,
  OperatingSystemFamily,
  UlimitName,
} from 'aws-cdk-lib/aws-ecs';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { containerCheck } from './container-check.ts';
import type { Environment } from './environment.ts';

/** Of Fargate, in seconds: SIGKILL comes no later. */
const MAX_STOP_SECONDS = 120;
/** Between the end of the drain and SIGKILL: to abort what is left, and to send the last spans. */
const LAST_WORDS_SECONDS = 20;
export const MAX_DRAIN_SECONDS = MAX_STOP_SECONDS - LAST_WORDS_SECONDS;

export const PORTS = { sftp: 2222, health: 8080 } as const;

/** Of the image (Dockerfile): the user `node`, and the folder that belongs to it. */
const USER = '1000:1000';
const DATA_FOLDER = '/var/lib/sluice';

/** Where the Dockerfile is. */
const REPOSITORY = new URL('..', import.meta.url).pathname;

/**
 * What the kernel may keep for a connection that the service does not read at the moment, in bytes: least, initial, most. It counts
 * to the task's memory, outside of the memory budget (docs/adr/0008-frugal-sockets.md).
 */
const TCP_RMEM = '4096 131072 4194304';

/** Of the process without any buffered bytes, with a thousand connections (docs/adr/0008-frugal-sockets.md), in MiB. */
const UNBUFFERED_MIB = 256;
const LEAST_BUDGET_MIB = 64;
const MAX_BUDGET_MIB = 2048;

/** As Fargate names them. */
export type TaskArchitecture = 'ARM64' | 'X86_64';

const PLATFORMS = { ARM64: Platform.LINUX_ARM64, X86_64: Platform.LINUX_AMD64 } as const;

export interface TaskOptions {
  readonly image: ContainerImage | undefined;
  readonly architecture: TaskArchitecture;
  /** In 1,024ths of a vCPU. */
  readonly cpu: number;
  readonly memoryMiB: number;
  /** Of it, what other containers have. */
  readonly reservedMiB: number;
  readonly drainSeconds: number;
  readonly role: Role;
  readonly logGroup: ILogGroup;
  /** Besides what follows from the task itself. */
  readonly environment: Environment;
}

/** A task with the service as its one container: no root, nothing to write to but a folder for buffers. */
export function defineTask(scope: Construct, options: TaskOptions): FargateTaskDefinition {
  const { architecture, cpu, memoryMiB, role, logGroup } = options;
  const task = new FargateTaskDefinition(scope, 'Task', {
    cpu,
    memoryLimitMiB: memoryMiB,
    runtimePlatform: {
      cpuArchitecture: CpuArchitecture[architecture],
      operatingSystemFamily: OperatingSystemFamily.LINUX,
    },
    taskRole: role,
    volumes: [{ name: 'data' }],
  });
  const serviceMiB = memoryMiB - options.reservedMiB;
  const container = task.addContainer('sluice', {
    image: options.image ?? ContainerImage.fromAsset(REPOSITORY, { platform: PLATFORMS[architecture] }),
    memoryLimitMiB: serviceMiB,
    essential: true,
    user: USER,
    readonlyRootFilesystem: true,
    linuxParameters: withoutCapabilities(scope, 'Linux'),
    ulimits: [{ name: UlimitName.NOFILE, softLimit: 65_535, hardLimit: 65_535 }],
    systemControls: [{ namespace: 'net.ipv4.tcp_rmem', value: TCP_RMEM }],
    stopTimeout: Duration.seconds(options.drainSeconds + LAST_WORDS_SECONDS),
    // Whether the process answers. Whether it takes uploads is the load balancer's question: starting or draining is no reason to kill it.
    healthCheck: {
      command: ['CMD', ...containerCheck(PORTS.health)],
      interval: Duration.seconds(15),
      timeout: Duration.seconds(5),
      retries: 3,
      startPeriod: Duration.seconds(60),
    },
    logging: LogDriver.awsLogs({ logGroup, streamPrefix: 'task' }),
    portMappings: [{ containerPort: PORTS.sftp }, { containerPort: PORTS.health }],
    environment: {
      ...options.environment,
      SLUICE_PORT: String(PORTS.sftp),
      SLUICE_HEALTH_PORT: String(PORTS.health),
      SLUICE_MEMORY_BUDGET_MIB: String(memoryBudget(serviceMiB)),
      SLUICE_WORKERS: String(workersFor(cpu)),
      SLUICE_SPOOL_DIR: DATA_FOLDER,
      SLUICE_DRAIN_SECONDS: String(options.drainSeconds),
    } satisfies Environment,
  });
  container.addMountPoints({ sourceVolume: 'data', containerPath: DATA_FOLDER, readOnly: false });
  acknowledge(task, {
    'AwsSolutions-ECS2': 'Nothing of it is secret: what is, the service reads from Secrets Manager itself.',
    'AwsSolutions-IAM5[Resource::*]':
      'The right to fetch images (ecr:GetAuthorizationToken) has no resources to name.',
  });
  return task;
}

/** For a container that needs no privileges of the kernel. */
export function withoutCapabilities(scope: Construct, id: string): LinuxParameters {
  const linuxParameters = new LinuxParameters(scope, id);
  linuxParameters.dropCapabilities(Capability.ALL);
  return linuxParameters;
}

/** A process for each processor: each runs JavaScript on one. */
function workersFor(cpu: number): number {
  return Math.max(1, Math.floor(cpu / 1024));
}

/** Half of what the process does not need for itself: parts in flight and what V8 has not collected yet are the other half. */
function memoryBudget(serviceMiB: number): number {
  const budget = Math.floor((serviceMiB - UNBUFFERED_MIB) / 2);
  return Math.max(LEAST_BUDGET_MIB, Math.min(budget, MAX_BUDGET_MIB));
}
