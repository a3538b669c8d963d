import { Duration } from 'aws-cdk-lib';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import {
  Cluster,
  type ContainerImage,
  FargateService,
  type FargateTaskDefinition,
  type ICluster,
  PropagatedTagSource,
  type ScalableTaskCount,
} from 'aws-cdk-lib/aws-ecs';
import type { Role } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { Environment } from './environment.ts';
import { sizeFaults } from './fargate-sizes.ts';
import { refuseFaults, wholeNumberFaults } from './faults.ts';
import type { SluiceFrontDoor } from './front-door.ts';
import type { SluiceNetwork } from './network.ts';
import { defineTask, MAX_DRAIN_SECONDS, type TaskArchitecture } from './task.ts';
import { createTaskRole, type TaskRoleOptions } from './task-role.ts';
import { createTenantRole } from './tenant-role.ts';

/** The least that Fargate takes of both for the memory that the collector and a few uploads need. */
const DEFAULT_CPU = 256;
const DEFAULT_MEMORY_MIB = 1024;
/** Of the service itself, beside the other containers. */
const MIN_MEMORY_MIB = 512;

const DEFAULT_MAX_TASKS = 4;
const MAX_TASKS = 1000;
const CPU_PERCENT = 60;
/** Slowly in: each task that goes makes the clients of its idle sessions connect again. */
const COOLDOWNS = { scaleOutCooldown: Duration.minutes(1), scaleInCooldown: Duration.minutes(15) };

export interface SluiceServiceProps {
  /**
   * The image of the service.
   *
   * @default - built from this repository's Dockerfile when it is deployed, which takes Docker
   */
  readonly image?: ContainerImage;

  /**
   * A cluster to run in; its VPC has to be that of the network, and it needs the capacity provider `FARGATE`, or `FARGATE_SPOT`.
   *
   * @default - a new cluster
   */
  readonly existingCluster?: ICluster;

  /**
   * CPU of a task, in 1,024ths of a vCPU.
   *
   * @default 256
   */
  readonly cpu?: number;

  /**
   * Memory of a task in MiB, of which the collector gets 256. Fargate takes certain combinations with `cpu` alone
   * (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html).
   *
   * @default 1024
   */
  readonly memoryMiB?: number;

  /**
   * `ARM64` costs a fifth less than `X86_64`. An image passed in has to be of it.
   *
   * @default 'ARM64'
   */
  readonly architecture?: TaskArchitecture;

  /**
   * Runs the tasks on Fargate Spot: about 70 % cheaper, and AWS may take one back with two minutes' notice. Uploads that take longer
   * than these fail then, and their clients have to send them again.
   *
   * @default false
   */
  readonly spot?: boolean;

  /**
   * Tasks at least. With two, the loss of one stops nobody from connecting.
   *
   * @default 1
   */
  readonly minTasks?: number;

  /**
   * Tasks at most.
   *
   * @default 4
   */
  readonly maxTasks?: number;

  /**
   * Seconds that uploads in progress may take after a task was told to end, 100 at most: Fargate kills after 120. They have had five
   * minutes before, in which the load balancer sent no new ones; and tasks with uploads are protected from deployments and from scaling
   * in, which wait for longer ones.
   *
   * @default 100
   */
  readonly drainSeconds?: number;

  /**
   * How long the log is kept.
   *
   * @default RetentionDays.THREE_MONTHS
   */
  readonly logRetention?: RetentionDays;
}

export interface SluiceServiceSite extends SluiceServiceProps {
  readonly network: SluiceNetwork;
  readonly frontDoor: SluiceFrontDoor;
  readonly permissions: Omit<TaskRoleOptions, 'clusterName'>;
  /** Besides what follows from the task itself. */
  readonly environment: Environment;
  readonly drainSeconds: number;
  /** Memory of other containers of the task, in MiB. */
  readonly reservedMiB: number;
}

/** The tasks that run the service, and how many there are. */
export class SluiceService extends Construct {
  readonly cluster: ICluster;
  readonly taskDefinition: FargateTaskDefinition;
  readonly taskRole: Role;
  /** What users' files are reached by, where there is such a role. */
  readonly tenantRole: Role | undefined;
  readonly service: FargateService;
  readonly logGroup: LogGroup;
  readonly scaling: ScalableTaskCount;

  constructor(scope: Construct, id: string, props: SluiceServiceSite) {
    super(scope, id);
    refuseFaults(this, serviceFaults(props));
    const { network, frontDoor, permissions } = props;
    this.cluster = props.existingCluster ?? createCluster(this, network.vpc);
    const { clusterName } = this.cluster;
    this.logGroup = new LogGroup(this, 'Log', {
      retention: props.logRetention ?? RetentionDays.THREE_MONTHS,
    });
    this.taskRole = createTaskRole(this, 'TaskRole', { ...permissions, clusterName });
    this.tenantRole = permissions.hasTenantRole
      ? createTenantRole(this, 'TenantRole', { ...permissions, taskRole: this.taskRole })
      : undefined;
    this.taskDefinition = defineTask(this, {
      image: props.image,
      architecture: props.architecture ?? 'ARM64',
      cpu: props.cpu ?? DEFAULT_CPU,
      memoryMiB: props.memoryMiB ?? DEFAULT_MEMORY_MIB,
      reservedMiB: props.reservedMiB,
      drainSeconds: props.drainSeconds,
      role: this.taskRole,
      logGroup: this.logGroup,
      environment: {
        ...props.environment,
        ...(this.tenantRole === undefined ? {} : { SLUICE_ASSUME_ROLE_ARN: this.tenantRole.roleArn }),
      },
    });
    this.service = new FargateService(this, 'Service', {
      cluster: this.cluster,
      taskDefinition: this.taskDefinition,
      vpcSubnets: network.taskSubnets,
      assignPublicIp: network.assignPublicIp,
      securityGroups: [frontDoor.taskSecurityGroup],
      capacityProviderStrategies: [{ capacityProvider: props.spot ? 'FARGATE_SPOT' : 'FARGATE', weight: 1 }],
      circuitBreaker: { enable: true, rollback: true },
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      healthCheckGracePeriod: Duration.seconds(60),
      enableExecuteCommand: false,
      propagateTags: PropagatedTagSource.SERVICE,
    });
    this.service.attachToNetworkTargetGroup(frontDoor.targetGroup);
    // A service cannot use a target group that no listener has yet.
    this.service.node.addDependency(frontDoor.loadBalancer);
    this.scaling = scale(this.service, props);
  }

  /** Starts another task when those there are have more sessions than this, on average. */
  scaleOnSessions(sessionsOfTasks: IMetric, perTask: number): void {
    this.scaling.scaleToTrackCustomMetric('Sessions', {
      metric: sessionsOfTasks,
      targetValue: perTask,
      ...COOLDOWNS,
    });
  }
}

function createCluster(scope: Construct, vpc: IVpc): ICluster {
  const cluster = new Cluster(scope, 'Cluster', { vpc, enableFargateCapacityProviders: true });
  acknowledge(cluster, {
    'AwsSolutions-ECS4':
      'The service tells its own metrics, and ECS its CPU and memory; Container Insights cost for each task.',
  });
  return cluster as ICluster;
}

function scale(service: FargateService, { minTasks = 1, maxTasks }: SluiceServiceProps): ScalableTaskCount {
  const scaling = service.autoScaleTaskCount({
    minCapacity: minTasks,
    maxCapacity: maxTasks ?? Math.max(minTasks, DEFAULT_MAX_TASKS),
  });
  scaling.scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: CPU_PERCENT, ...COOLDOWNS });
  return scaling;
}

function serviceFaults(props: SluiceServiceSite): string[] {
  const { existingCluster, minTasks, maxTasks, reservedMiB } = props;
  const { cpu = DEFAULT_CPU, memoryMiB = DEFAULT_MEMORY_MIB } = props;
  const faults = [
    ...sizeFaults(cpu, memoryMiB),
    ...wholeNumberFaults('minTasks', minTasks, 1, MAX_TASKS),
    ...wholeNumberFaults('maxTasks', maxTasks, minTasks ?? 1, MAX_TASKS),
    ...wholeNumberFaults('drainSeconds', props.drainSeconds, 0, MAX_DRAIN_SECONDS),
  ];
  if (memoryMiB < MIN_MEMORY_MIB + reservedMiB) {
    faults.push(
      `memoryMiB must leave ${MIN_MEMORY_MIB} to the service; other containers have ${reservedMiB}`,
    );
  }
  if (existingCluster && existingCluster.vpc.vpcId !== props.network.vpc.vpcId) {
    faults.push('existingCluster is in another VPC than the network; pass its VPC in as existingVpc');
  }
  return faults;
}
