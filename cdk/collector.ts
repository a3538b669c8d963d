import { readFileSync } from 'node:fs';
import { Stack } from 'aws-cdk-lib';
import {
  ContainerDependencyCondition,
  ContainerImage,
  type FargateTaskDefinition,
  LogDriver,
} from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type ILogGroup, LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledge, wildcardIn } from './acknowledge.ts';
import type { Environment } from './environment.ts';
import { withoutCapabilities } from './task.ts';

/** Of the collector, in MiB: its own memory_limiter refuses spans before that is used up. */
export const COLLECTOR_MIB = 256;

/** AWS's distribution, which has the exporters for X-Ray and CloudWatch. */
const IMAGE = 'amazon/aws-otel-collector:v0.43.3';

/** Days that metrics stay in the log by which they come to CloudWatch; there they stay for 15 months. */
const RETENTION = RetentionDays.ONE_MONTH;

const CONFIGURATIONS = ['collector.yaml', 'collector-aws.yaml'] as const;

export interface CollectorOptions {
  readonly image: ContainerImage | undefined;
  readonly task: FargateTaskDefinition;
  /** Where it writes its own log. */
  readonly logGroup: ILogGroup;
  /** Of the metrics in CloudWatch. */
  readonly namespace: string;
}

/** What the service has to be told so that a collector beside it can make something of what it sends. */
export const EXPORT_ENVIRONMENT = {
  OTEL_TRACES_EXPORTER: 'otlp',
  OTEL_METRICS_EXPORTER: 'otlp',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318',
  // CloudWatch is told what each minute brought, not what has been since the task began.
  OTEL_METRIC_EXPORT_INTERVAL: '60000',
  OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
  OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: 'base2_exponential_bucket_histogram',
} as const satisfies Environment;

/** Without a collector nobody listens. */
export const NO_EXPORT_ENVIRONMENT = { OTEL_SDK_DISABLED: 'true' } as const satisfies Environment;

/**
 * The OpenTelemetry Collector beside the service: traces to X-Ray, metrics to CloudWatch. By the same configuration as in compose.yaml, with
 * other exporters (observability/README.md). That it ends does not end the task: uploads are worth more than their traces.
 */
export function addCollector(scope: Construct, options: CollectorOptions): LogGroup {
  const { task, logGroup, namespace } = options;
  const metricsLog = new LogGroup(scope, 'Metrics', { retention: RETENTION });
  const environment = {
    SLUICE_METRICS_NAMESPACE: namespace,
    SLUICE_METRICS_LOG_GROUP: metricsLog.logGroupName,
    ...Object.fromEntries(CONFIGURATIONS.map((file, index) => [variableOf(index), read(file)])),
  };
  const collector = task.addContainer('collector', {
    image: options.image ?? ContainerImage.fromRegistry(IMAGE),
    essential: false,
    enableRestartPolicy: true,
    memoryLimitMiB: COLLECTOR_MIB,
    readonlyRootFilesystem: true,
    linuxParameters: withoutCapabilities(scope, 'Linux'),
    command: CONFIGURATIONS.map((_, index) => `--config=env:${variableOf(index)}`),
    environment,
    logging: LogDriver.awsLogs({ logGroup, streamPrefix: 'collector' }),
  });
  // Containers end in the order opposite to that in which they start: the collector still takes the last spans
  // (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html).
  task.defaultContainer?.addContainerDependencies({
    container: collector,
    condition: ContainerDependencyCondition.START,
  });
  task.taskRole.addToPrincipalPolicy(
    new PolicyStatement({
      actions: ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
      resources: [metricsLog.logGroupArn],
    }),
  );
  task.taskRole.addToPrincipalPolicy(
    new PolicyStatement({
      actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
      // X-Ray has no resources to name (Service Authorization Reference, AWS X-Ray).
      resources: ['*'],
      conditions: { StringEquals: { 'aws:RequestedRegion': Stack.of(scope).region } },
    }),
  );
  acknowledge(task.taskRole, {
    [wildcardIn(scope, '*')]: 'X-Ray has no resources to name.',
  });
  return metricsLog;
}

const variableOf = (index: number) => `SLUICE_COLLECTOR_CONFIG_${index + 1}`;

function read(file: string): string {
  const text = readFileSync(new URL(`../observability/${file}`, import.meta.url), 'utf8');
  // Comments are for those who read the file; a task definition has a limit of 64 KiB.
  return text.replace(/^\s*#.*\n/gm, '');
}
