import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { describe, expect, test, vi } from 'vitest';
import { containerCheck } from '../cdk/container-check.ts';
import type { SftpIngestion, SftpIngestionProps } from '../cdk/ingestion.ts';
import { ingestionWith, propertiesOf, templateOf } from './support/appliance.ts';
import { grantsOf } from './support/readable.ts';

// The library checks every template that it synthesizes, and loads its rules for that when the first one is.
vi.setConfig({ testTimeout: 30_000 });

interface Container {
  readonly Name: string;
  readonly Memory: number;
  readonly StopTimeout?: number;
  readonly User?: string;
  readonly Environment: readonly { readonly Name: string; readonly Value: unknown }[];
  readonly Privileged?: boolean;
}

interface Task {
  readonly Cpu: string;
  readonly Memory: string;
  readonly ContainerDefinitions: readonly Container[];
}

const taskOf = (ingestion: SftpIngestion) => propertiesOf<Task>(ingestion, 'AWS::ECS::TaskDefinition');

function containersOf(props: SftpIngestionProps = {}) {
  const { ContainerDefinitions } = taskOf(ingestionWith(() => props));
  const [service, ...others] = ContainerDefinitions;
  if (service?.Name !== 'sluice') throw new Error('expected the service first');
  return { service, others, all: ContainerDefinitions };
}

function environmentOf({ Environment }: Container): Record<string, unknown> {
  return Object.fromEntries(Environment.map(({ Name, Value }) => [Name, Value]));
}

describe('the container of the service', () => {
  test('runs as a user without rights, on a file system that it cannot write', () => {
    expect(containersOf().service).toMatchObject({ User: '1000:1000', ReadonlyRootFilesystem: true });
  });

  test('may write to one folder, where it moves buffers that memory has no room for', () => {
    const ingestion = ingestionWith();
    expect(taskOf(ingestion)).toMatchObject({ Volumes: [{ Name: 'data' }] });
    const { service } = containersOf();
    expect(service).toMatchObject({
      MountPoints: [{ SourceVolume: 'data', ContainerPath: '/var/lib/sluice', ReadOnly: false }],
    });
    expect(environmentOf(service)).toMatchObject({ SLUICE_SPOOL_DIR: '/var/lib/sluice' });
  });

  test('may open as many files as it has connections', () => {
    expect(containersOf().service).toMatchObject({
      Ulimits: [{ Name: 'nofile', SoftLimit: 65_535, HardLimit: 65_535 }],
    });
  });

  test('listens on the ports that the load balancer knows', () => {
    const { service } = containersOf();
    expect(service).toMatchObject({
      PortMappings: [
        { ContainerPort: 2222, Protocol: 'tcp' },
        { ContainerPort: 8080, Protocol: 'tcp' },
      ],
    });
    expect(environmentOf(service)).toMatchObject({ SLUICE_PORT: '2222', SLUICE_HEALTH_PORT: '8080' });
  });

  test('is asked whether it lives, not whether S3 does', () => {
    const { service } = containersOf();
    expect(service).toMatchObject({ HealthCheck: { Command: ['CMD', ...containerCheck(8080)] } });
    expect(JSON.stringify(service)).toContain('GET /livez');
  });

  test('has a limit for what the kernel keeps of a connection that is not read', () => {
    expect(containersOf().service).toMatchObject({
      SystemControls: [{ Namespace: 'net.ipv4.tcp_rmem', Value: '4096 131072 4194304' }],
    });
  });

  test('is killed ten seconds after the end of its drain at the earliest, and within the 120 that Fargate allows', () => {
    for (const drainSeconds of [undefined, 0, 60, 100]) {
      const props = drainSeconds === undefined ? {} : { service: { drainSeconds } };
      const { service } = containersOf(props);
      const drain = Number(environmentOf(service)['SLUICE_DRAIN_SECONDS']);
      expect(drain).toBe(drainSeconds ?? 100);
      expect(service.StopTimeout).toBeGreaterThanOrEqual(drain + 10);
      expect(service.StopTimeout).toBeLessThanOrEqual(120);
    }
  });

  test('has half of the memory that it does not need itself for buffers, within limits', () => {
    const budget = (cpu: number, memoryMiB: number) =>
      environmentOf(containersOf({ service: { cpu, memoryMiB } }).service)['SLUICE_MEMORY_BUDGET_MIB'];
    expect(budget(256, 1024)).toBe('256');
    expect(budget(512, 2048)).toBe('768');
    expect(budget(2048, 16_384)).toBe('2048');
  });

  test('has a worker for each whole processor, and one at least', () => {
    const workers = (cpu: number, memoryMiB: number) =>
      environmentOf(containersOf({ service: { cpu, memoryMiB } }).service)['SLUICE_WORKERS'];
    expect([workers(256, 1024), workers(1024, 4096), workers(2048, 4096), workers(4096, 8192)]).toEqual([
      '1',
      '1',
      '2',
      '4',
    ]);
  });
});

describe('all containers', () => {
  test('can write nowhere on their file systems, and have no privileges of the kernel', () => {
    const { all } = containersOf();
    expect(all).toHaveLength(2);
    for (const container of all) {
      expect(container).toMatchObject({
        ReadonlyRootFilesystem: true,
        LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
      });
      expect(container.Privileged).toBeFalsy();
    }
  });

  test('have no more memory together than their task has', () => {
    for (const collector of [true, false]) {
      const ingestion = ingestionWith(() => ({ observability: { collector } }));
      const { Memory, ContainerDefinitions } = taskOf(ingestion);
      const together = ContainerDefinitions.reduce((sum, container) => sum + container.Memory, 0);
      expect(together).toBe(Number(Memory));
    }
  });

  test('are: the service, without which the task ends, and the collector, which is started again', () => {
    const { service, others } = containersOf();
    expect(service).toMatchObject({ Essential: true });
    expect(others).toEqual([
      expect.objectContaining({
        Name: 'collector',
        Essential: false,
        RestartPolicy: { Enabled: true },
      }),
    ]);
  });

  test('write into the log of the service, each under its name', () => {
    const ingestion = ingestionWith();
    const stack = ingestion.service.logGroup.stack;
    const options = taskOf(ingestion).ContainerDefinitions.map((container) => ({ ...container }));
    expect(options).toMatchObject(
      ['task', 'collector'].map((prefix) => ({
        LogConfiguration: {
          LogDriver: 'awslogs',
          Options: {
            'awslogs-group': stack.resolve(ingestion.service.logGroup.logGroupName),
            'awslogs-stream-prefix': prefix,
          },
        },
      })),
    );
  });
});

describe('the task', () => {
  test('is of Fargate, on ARM, small, unless other sizes are asked for', () => {
    expect(taskOf(ingestionWith())).toMatchObject({
      RequiresCompatibilities: ['FARGATE'],
      NetworkMode: 'awsvpc',
      RuntimePlatform: { CpuArchitecture: 'ARM64', OperatingSystemFamily: 'LINUX' },
      Cpu: '256',
      Memory: '1024',
    });
    const service = { architecture: 'X86_64', cpu: 1024, memoryMiB: 4096 } as const;
    expect(taskOf(ingestionWith(() => ({ service })))).toMatchObject({
      RuntimePlatform: { CpuArchitecture: 'X86_64' },
      Cpu: '1024',
      Memory: '4096',
    });
  });

  test('fits into the 64 KiB that a task definition may have, with room to spare', () => {
    expect(JSON.stringify(taskOf(ingestionWith())).length).toBeLessThan(32 * 1024);
  });

  test('keeps its log for three months, or as long as it is told to', () => {
    const retentionOf = (props: SftpIngestionProps) => {
      const groups = templateOf(ingestionWith(() => props)).findResources('AWS::Logs::LogGroup');
      const [log] = Object.entries(groups).filter(([id]) => id.startsWith('SluiceServiceLog'));
      return log?.[1]?.['Properties'].RetentionInDays;
    };
    expect(retentionOf({})).toBe(90);
    expect(retentionOf({ service: { logRetention: RetentionDays.ONE_YEAR } })).toBe(365);
  });
});

describe('the execution role', () => {
  test('may write the log and fetch an image, and reads no secret: those are the service’s own business', () => {
    const { service } = ingestionWith();
    const role = service.taskDefinition.executionRole;
    if (role === undefined) throw new Error('expected an execution role');
    expect(grantsOf(role)).toEqual([
      'logs:CreateLogStream <Service/Log.Arn>',
      'logs:PutLogEvents <Service/Log.Arn>',
    ]);
  });
});
