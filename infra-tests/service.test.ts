import { Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { SubnetType } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { describe, expect, test, vi } from 'vitest';
import type { SftpIngestionProps } from '../cdk/ingestion.ts';
import type { SluiceServiceProps } from '../cdk/service.ts';
import { existingVpc, ingestionWith, propertiesOf, templateOf } from './support/appliance.ts';

// The library checks every template that it synthesizes, and loads its rules for that when the first one is.
vi.setConfig({ testTimeout: 30_000 });

const SERVICE = 'AWS::ECS::Service';
const POLICY = 'AWS::ApplicationAutoScaling::ScalingPolicy';

const serviceWith = (props: SftpIngestionProps = {}) =>
  propertiesOf(
    ingestionWith(() => props),
    SERVICE,
  );

describe('the service', () => {
  test('lets nobody into its containers', () => {
    expect(serviceWith()).toMatchObject({ EnableExecuteCommand: false });
  });

  test('goes back to what ran before when a deployment does not come up', () => {
    expect(serviceWith()).toMatchObject({
      DeploymentConfiguration: {
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
        MinimumHealthyPercent: 100,
        MaximumPercent: 200,
      },
    });
  });

  test('runs on Fargate, and on Spot when asked to', () => {
    expect(serviceWith()).toMatchObject({
      CapacityProviderStrategy: [{ CapacityProvider: 'FARGATE', Weight: 1 }],
    });
    expect(serviceWith({ service: { spot: true } })).toMatchObject({
      CapacityProviderStrategy: [{ CapacityProvider: 'FARGATE_SPOT', Weight: 1 }],
    });
    expect(serviceWith()).not.toHaveProperty('LaunchType');
  });

  test('is behind the load balancer by its SFTP port', () => {
    const { frontDoor } = ingestionWith();
    expect(propertiesOf(frontDoor, SERVICE)).toMatchObject({
      LoadBalancers: [
        {
          ContainerName: 'sluice',
          ContainerPort: 2222,
          TargetGroupArn: Stack.of(frontDoor).resolve(frontDoor.targetGroup.targetGroupArn),
        },
      ],
    });
  });

  test('begins when its host keys are there, and its load balancer listens', () => {
    const template = templateOf(ingestionWith());
    const idOf = (type: string) => Object.keys(template.findResources(type))[0] ?? '';
    const needed = [idOf('Custom::SluiceHostKeys'), idOf('AWS::ElasticLoadBalancingV2::Listener')];
    for (const id of needed) template.hasResource(SERVICE, { DependsOn: Match.arrayWith([id]) });
  });
});

describe('where tasks run', () => {
  const networkOf = (props: SftpIngestionProps) =>
    (
      serviceWith(props) as {
        NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: string; Subnets: unknown[] } };
      }
    ).NetworkConfiguration.AwsvpcConfiguration;

  test('is two zones, with addresses of their own in public subnets', () => {
    const { AssignPublicIp, Subnets } = networkOf({});
    expect(AssignPublicIp).toBe('ENABLED');
    expect(Subnets).toHaveLength(2);
  });

  test('is two zones, without addresses in the internet in isolated subnets', () => {
    const { AssignPublicIp, Subnets } = networkOf({ network: { isolated: true } });
    expect(AssignPublicIp).toBe('DISABLED');
    expect(Subnets).toHaveLength(2);
  });

  test('is the subnets chosen in an existing VPC', () => {
    const ingestion = ingestionWith((stack) => ({
      network: {
        existingVpc: existingVpc(stack),
        taskSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
      },
    }));
    expect(propertiesOf(ingestion, SERVICE)).toMatchObject({
      NetworkConfiguration: {
        AwsvpcConfiguration: {
          AssignPublicIp: 'DISABLED',
          Subnets: ['subnet-33333333333333333', 'subnet-44444444444444444'],
        },
      },
    });
  });
});

describe('the number of tasks', () => {
  test('is from one to four, or as many as is said', () => {
    const range = (service: SluiceServiceProps) =>
      propertiesOf(
        ingestionWith(() => ({ service })),
        'AWS::ApplicationAutoScaling::ScalableTarget',
      );
    expect(range({})).toMatchObject({ MinCapacity: 1, MaxCapacity: 4 });
    expect(range({ minTasks: 2, maxTasks: 10 })).toMatchObject({ MinCapacity: 2, MaxCapacity: 10 });
    expect(range({ minTasks: 6 })).toMatchObject({ MinCapacity: 6, MaxCapacity: 6 });
  });

  test('grows by CPU and by sessions within a minute, and shrinks slowly', () => {
    const template = templateOf(ingestionWith());
    const configurations = Object.values(template.findResources(POLICY)).map(
      ({ Properties }) => Properties.TargetTrackingScalingPolicyConfiguration,
    );
    expect(configurations).toHaveLength(2);
    expect(configurations).toEqual(
      expect.arrayContaining([
        {
          PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
          TargetValue: 60,
          ScaleOutCooldown: 60,
          ScaleInCooldown: 900,
        },
        {
          CustomizedMetricSpecification: {
            Namespace: 'Sluice/Test',
            MetricName: 'sluice.session.active',
            Statistic: 'Average',
          },
          TargetValue: 400,
          ScaleOutCooldown: 60,
          ScaleInCooldown: 900,
        },
      ]),
    );
  });

  test('grows by CPU alone where no collector counts sessions', () => {
    const ingestion = ingestionWith(() => ({ observability: { collector: false } }));
    templateOf(ingestion).resourceCountIs(POLICY, 1);
  });
});

describe('an existing cluster', () => {
  test('is used, and none is made', () => {
    const ingestion = ingestionWith((stack) => {
      const vpc = existingVpc(stack);
      const existingCluster = Cluster.fromClusterAttributes(stack, 'MyCluster', { clusterName: 'mine', vpc });
      return { network: { existingVpc: vpc }, service: { existingCluster } };
    });
    templateOf(ingestion).resourceCountIs('AWS::ECS::Cluster', 0);
    expect(propertiesOf(ingestion, SERVICE)).toMatchObject({ Cluster: 'mine' });
  });

  test('is refused in another VPC than the network', () => {
    const create = () =>
      ingestionWith((stack) => ({
        service: {
          existingCluster: Cluster.fromClusterAttributes(stack, 'MyCluster', {
            clusterName: 'mine',
            vpc: existingVpc(stack),
          }),
        },
      }));
    expect(create).toThrow(
      'Test/Sluice/Service: invalid props\n' +
        '  - existingCluster is in another VPC than the network; pass its VPC in as existingVpc',
    );
  });
});

describe('props of the service', () => {
  const create =
    (service: SluiceServiceProps, collector = true) =>
    () =>
      ingestionWith(() => ({
        service: { image: ContainerImage.fromRegistry('sluice'), ...service },
        observability: { collector },
      }));

  test('are refused out of range, all faults in one error', () => {
    expect(create({ cpu: 300, minTasks: 0, maxTasks: 1001, drainSeconds: 101 })).toThrow(
      'Test/Sluice/Service: invalid props\n' +
        '  - cpu must be one of 256, 512, 1024, 2048, 4096, 8192, 16384, not 300\n' +
        '  - minTasks must be a whole number from 1 to 1000, not 0\n' +
        '  - maxTasks must be a whole number from 0 to 1000, not 1001\n' +
        '  - drainSeconds must be a whole number from 0 to 100, not 101',
    );
  });

  test('are refused with fewer tasks at most than at least', () => {
    expect(create({ minTasks: 3, maxTasks: 2 })).toThrow(
      'maxTasks must be a whole number from 3 to 1000, not 2',
    );
  });

  test('are refused in sizes that Fargate has not', () => {
    expect(create({ memoryMiB: 1536 })).toThrow(
      'memoryMiB must be one of 512, 1024, 2048 with cpu 256, not 1536',
    );
    expect(create({ cpu: 8192, memoryMiB: 17_408 })).toThrow('with cpu 8192, not 17408');
    for (const [cpu, memoryMiB] of [
      [512, 3072],
      [4096, 30_720],
      [8192, 61_440],
      [16_384, 40_960],
    ] as const) {
      expect(create({ cpu, memoryMiB })).not.toThrow();
    }
  });

  test('are refused with less memory than service and collector need', () => {
    expect(create({ memoryMiB: 512 })).toThrow(
      'memoryMiB must leave 512 to the service; other containers have 256',
    );
    expect(create({ memoryMiB: 512 }, false)).not.toThrow();
  });
});
