import { Stack } from 'aws-cdk-lib';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, test, vi } from 'vitest';
import type { SftpIngestion, SftpIngestionProps } from '../cdk/ingestion.ts';
import { toDimensionSets } from '../observability/cloudwatch.ts';
import type { MetricName } from '../src/telemetry/metrics.ts';
import { ingestionWith, templateOf } from './support/appliance.ts';

// The library checks every template that it synthesizes, and loads its rules for that when the first one is.
vi.setConfig({ testTimeout: 30_000 });

interface Metric {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: unknown }[];
}

interface Alarm extends Metric {
  readonly AlarmDescription: string;
  readonly Threshold: number;
  readonly TreatMissingData: string;
  readonly ComparisonOperator: string;
  readonly EvaluationPeriods: number;
  readonly Period?: number;
  readonly Statistic?: string;
  readonly Metrics?: readonly {
    readonly Id: string;
    readonly Expression?: string;
    readonly MetricStat?: { readonly Metric: Metric };
  }[];
  readonly AlarmActions?: readonly unknown[];
  readonly OKActions?: readonly unknown[];
}

/** By the names that the construct gives them. */
function alarmsOf(ingestion: SftpIngestion): Record<string, Alarm> {
  const stack = Stack.of(ingestion);
  const resources = templateOf(ingestion).findResources('AWS::CloudWatch::Alarm');
  return Object.fromEntries(
    ingestion.observability.alarms.all.map((alarm) => {
      const { Ref: id } = stack.resolve(alarm.alarmName) as { Ref: string };
      return [alarm.node.id, resources[id]?.['Properties'] as Alarm];
    }),
  );
}

const alarmsWith = (props: SftpIngestionProps) => alarmsOf(ingestionWith(() => props));

const metricsOf = (alarm: Alarm): readonly Metric[] =>
  alarm.Metrics?.flatMap(({ MetricStat }) => MetricStat?.Metric ?? []) ?? [alarm];

const dimensionsOf = ({ Dimensions = [] }: Metric) => Dimensions.map(({ Name }) => Name).sort();

/** What AWS measures, by which dimensions (CloudWatch metrics of Network Load Balancers, of ECS, of SQS). */
const OF_AWS: Readonly<Record<string, readonly string[]>> = {
  'AWS/NetworkELB HealthyHostCount': ['LoadBalancer', 'TargetGroup'],
  'AWS/ECS CPUUtilization': ['ClusterName', 'ServiceName'],
  'AWS/SQS ApproximateNumberOfMessagesVisible': ['QueueName'],
};

describe('the alarms', () => {
  test('are one for each thing that somebody should look at, and the template has no others', () => {
    const ingestion = ingestionWith();
    expect(Object.keys(alarmsOf(ingestion))).toEqual([
      'NoHealthyTask',
      'Cpu',
      'DeadLetters',
      'OutboxAge',
      'FailedUploads',
      'RefusedLogins',
    ]);
    templateOf(ingestion).resourceCountIs('AWS::CloudWatch::Alarm', 6);
  });

  test('ask for metrics that there are: those of AWS, and what the collector keeps, by just these dimensions', () => {
    const kept = toDimensionSets();
    const unknown = Object.entries(alarmsOf(ingestionWith())).flatMap(([name, alarm]) =>
      metricsOf(alarm)
        .filter((metric) => {
          const sets =
            metric.Namespace === 'Sluice/Test'
              ? (kept.get(metric.MetricName as MetricName) ?? [])
              : [OF_AWS[`${metric.Namespace} ${metric.MetricName}`] ?? ['unknown']];
          return !sets.some((set) => set.join() === dimensionsOf(metric).join());
        })
        .map((metric) => `${name}: ${metric.Namespace} ${metric.MetricName} by ${dimensionsOf(metric)}`),
    );
    expect(unknown).toEqual([]);
  });

  test('count in their expressions every metric that they ask for, and no other', () => {
    for (const { Metrics = [] } of Object.values(alarmsOf(ingestionWith()))) {
      const expression = Metrics.find(({ Expression }) => Expression !== undefined)?.Expression ?? '';
      const asked = Metrics.filter(({ MetricStat }) => MetricStat !== undefined).map(({ Id }) => Id);
      const named = [...expression.matchAll(/FILL\((\w+), 0\)/g)].map(([, id]) => id);
      expect(named.sort()).toEqual(asked.sort());
    }
  });

  test('take silence for health, except where silence is the fault', () => {
    const treatment = Object.entries(alarmsOf(ingestionWith())).map(
      ([name, alarm]) => `${name} ${alarm.TreatMissingData}`,
    );
    expect(treatment).toEqual([
      'NoHealthyTask breaching',
      'Cpu notBreaching',
      'DeadLetters notBreaching',
      'OutboxAge notBreaching',
      'FailedUploads notBreaching',
      'RefusedLogins notBreaching',
    ]);
  });

  test('go off when no task is healthy for three minutes, on whatever else at the thresholds given', () => {
    const { NoHealthyTask, ...others } = alarmsOf(ingestionWith());
    expect(NoHealthyTask).toMatchObject({
      ComparisonOperator: 'LessThanThreshold',
      Threshold: 1,
      EvaluationPeriods: 3,
      Period: 60,
      Statistic: 'Minimum',
    });
    for (const { ComparisonOperator } of Object.values(others)) {
      expect(ComparisonOperator).toBe('GreaterThanThreshold');
    }
    const thresholds = (alarms: Record<string, Alarm>) =>
      ['Cpu', 'OutboxAge', 'FailedUploads', 'RefusedLogins'].map((name) => alarms[name]?.Threshold);
    expect(thresholds(others)).toEqual([85, 300, 0, 200]);
    const alarms = { cpuPercent: 70, outboxAgeSeconds: 60, failedUploads: 5, refusedLogins: 10 };
    expect(thresholds(alarmsWith({ observability: { alarms } }))).toEqual([70, 60, 5, 10]);
  });

  test('count as failed what is neither well nor given up by its client', () => {
    const { FailedUploads } = alarmsOf(ingestionWith());
    const byId = Object.fromEntries(
      (FailedUploads?.Metrics ?? []).map(({ Id, MetricStat }) => [Id, MetricStat?.Metric.Dimensions]),
    );
    expect(FailedUploads?.Metrics?.[0]?.Expression).toBe('FILL(every, 0) - FILL(well, 0) - FILL(gone, 0)');
    expect(byId['every']).toBeUndefined();
    expect(byId['well']).toEqual([{ Name: 'sluice.result', Value: 'ok' }]);
    expect(byId['gone']).toEqual([{ Name: 'sluice.result', Value: 'ECONNABORTED' }]);
  });

  test('tell nobody unless there is a topic, and then when they go off and when they are over', () => {
    for (const { AlarmActions, OKActions } of Object.values(alarmsOf(ingestionWith()))) {
      expect([AlarmActions, OKActions]).toEqual([undefined, undefined]);
    }
    const ingestion = ingestionWith((stack) => ({
      observability: { alarmTopic: new Topic(stack, 'Told') },
    }));
    const told = [{ Ref: expect.stringMatching(/^Told/) }];
    for (const { AlarmActions, OKActions } of Object.values(alarmsOf(ingestion))) {
      expect([AlarmActions, OKActions]).toEqual([told, told]);
    }
  });

  test('are only those on what AWS measures where there is no collector', () => {
    const alarms = alarmsWith({ observability: { collector: false } });
    expect(Object.keys(alarms)).toEqual(['NoHealthyTask', 'Cpu', 'DeadLetters']);
  });

  test('know the dead-letter queue of an existing queue where it is passed in, and none otherwise', () => {
    const alarmsFor = (isKnown: boolean) =>
      alarmsOf(
        ingestionWith((stack) => {
          const queue = (name: string) =>
            Queue.fromQueueArn(stack, name, `arn:aws:sqs:eu-west-1:111122223333:${name}`);
          const dead = isKnown ? { existingDeadLetterQueue: queue('dead') } : {};
          return { jobs: { existingQueue: queue('mine'), ...dead } };
        }),
      );
    expect(alarmsFor(true)['DeadLetters']?.Dimensions).toEqual([{ Name: 'QueueName', Value: 'dead' }]);
    expect(alarmsFor(false)).not.toHaveProperty('DeadLetters');
  });
});
