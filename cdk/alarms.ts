import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import type { NetworkTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { serviceMetric } from './service-metric.ts';

const MINUTE = Duration.minutes(1);
const FIVE_MINUTES = Duration.minutes(5);

/** Above these somebody should look; docs/operations.md says at what. */
export interface AlarmThresholds {
  /**
   * Seconds that the oldest job may wait in the outbox.
   *
   * @default 300
   */
  readonly outboxAgeSeconds?: number;

  /**
   * Uploads that may fail in five minutes. One whose client has gone is no failure.
   *
   * @default 0
   */
  readonly failedUploads?: number;

  /**
   * Attempts to log in that may be refused in five minutes. The internet alone makes some hundreds a day.
   *
   * @default 200
   */
  readonly refusedLogins?: number;

  /**
   * CPU of the tasks, in per cent, for 15 minutes: above that autoscaling is at its end.
   *
   * @default 85
   */
  readonly cpuPercent?: number;
}

export interface SluiceAlarmsSite {
  readonly thresholds: AlarmThresholds;
  /** Who is told; nobody when undefined: alarms can be looked at all the same. */
  readonly topic: ITopic | undefined;
  /** Where the service's metrics are; undefined: nowhere, and there are no alarms on them. */
  readonly namespace: string | undefined;
  readonly service: FargateService;
  readonly targetGroup: NetworkTargetGroup;
  readonly deadLetterQueue: IQueue | undefined;
}

interface AlarmOptions {
  readonly description: string;
  readonly metric: IMetric;
  readonly threshold: number;
  /** Periods in a row. */
  readonly periods?: number;
  readonly comparison?: ComparisonOperator;
  readonly missing?: TreatMissingData;
}

/** What somebody should look at, with a page of docs/operations.md for each. */
export class SluiceAlarms extends Construct {
  readonly all: readonly Alarm[];

  constructor(scope: Construct, id: string, site: SluiceAlarmsSite) {
    super(scope, id);
    const { thresholds, topic, namespace, service, targetGroup, deadLetterQueue } = site;
    const alarms: Alarm[] = [];
    const add = (
      name: string,
      { description, metric, threshold, periods = 1, comparison, missing }: AlarmOptions,
    ) => {
      const alarm = new Alarm(this, name, {
        alarmDescription: `${description} (docs/operations.md)`,
        metric,
        threshold,
        evaluationPeriods: periods,
        comparisonOperator: comparison ?? ComparisonOperator.GREATER_THAN_THRESHOLD,
        treatMissingData: missing ?? TreatMissingData.NOT_BREACHING,
      });
      if (topic !== undefined) {
        alarm.addAlarmAction(new SnsAction(topic));
        alarm.addOkAction(new SnsAction(topic));
      }
      alarms.push(alarm);
    };

    add('NoHealthyTask', {
      description: 'No task takes uploads',
      metric: targetGroup.metrics.healthyHostCount({ statistic: 'Minimum', period: MINUTE }),
      threshold: 1,
      periods: 3,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      missing: TreatMissingData.BREACHING,
    });
    add('Cpu', {
      description: 'The tasks are busy, and there are no more of them to be had',
      metric: service.metricCpuUtilization({ statistic: 'Average', period: FIVE_MINUTES }),
      threshold: thresholds.cpuPercent ?? 85,
      periods: 3,
    });
    if (deadLetterQueue !== undefined) {
      add('DeadLetters', {
        description: 'Jobs that no consumer could finish',
        metric: deadLetterQueue.metricApproximateNumberOfMessagesVisible({
          statistic: 'Maximum',
          period: FIVE_MINUTES,
        }),
        threshold: 0,
      });
    }
    if (namespace !== undefined) {
      add('OutboxAge', {
        description: 'Jobs that SQS does not take wait in the bucket',
        metric: serviceMetric(namespace, 'sluice.outbox.oldest_age', 'Maximum', MINUTE),
        threshold: thresholds.outboxAgeSeconds ?? 300,
        periods: 3,
      });
      add('FailedUploads', {
        description: 'Uploads failed, and their clients were told so',
        metric: failedUploads(namespace),
        threshold: thresholds.failedUploads ?? 0,
      });
      add('RefusedLogins', {
        description: 'Many attempts to log in were refused',
        metric: refusedLogins(namespace),
        threshold: thresholds.refusedLogins ?? 200,
      });
    }
    this.all = alarms;
  }
}

/** All of them without those that are well, and those that their clients have given up. */
function failedUploads(namespace: string): IMetric {
  const uploads = (result?: string) =>
    serviceMetric(
      namespace,
      'sluice.uploads',
      'Sum',
      FIVE_MINUTES,
      result === undefined ? {} : { 'sluice.result': result },
    );
  return new MathExpression({
    label: 'failed uploads',
    expression: 'FILL(every, 0) - FILL(well, 0) - FILL(gone, 0)',
    usingMetrics: { every: uploads(), well: uploads('ok'), gone: uploads('ECONNABORTED') },
    period: FIVE_MINUTES,
  });
}

function refusedLogins(namespace: string): IMetric {
  const refused = (method: string) =>
    serviceMetric(namespace, 'sluice.authentication.attempts', 'Sum', FIVE_MINUTES, {
      'sluice.authentication.method': method,
      'sluice.outcome': 'refused',
    });
  return new MathExpression({
    label: 'refused logins',
    expression: 'FILL(password, 0) + FILL(interactive, 0) + FILL(publickey, 0) + FILL(other, 0)',
    usingMetrics: {
      password: refused('password'),
      interactive: refused('keyboard-interactive'),
      publickey: refused('publickey'),
      other: refused('other'),
    },
    period: FIVE_MINUTES,
  });
}
