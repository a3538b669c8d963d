import { Duration } from 'aws-cdk-lib';
import { CfnDashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { toCloudWatchDashboard } from '../observability/cloudwatch.ts';
import { type AlarmThresholds, SluiceAlarms } from './alarms.ts';
import { addCollector } from './collector.ts';
import { refuseFaults, wholeNumberFaults } from './faults.ts';
import type { SluiceFrontDoor } from './front-door.ts';
import type { SluiceService } from './service.ts';
import { serviceMetric } from './service-metric.ts';

const DEFAULT_SESSIONS_PER_TASK = 400;

export interface SluiceObservabilityProps {
  /**
   * Whether a collector runs beside the service, for traces in X-Ray, metrics in CloudWatch, a dashboard, and the alarms that need
   * them. Without it there are the log, and the alarms on what AWS measures.
   *
   * @default true
   */
  readonly collector?: boolean;

  /**
   * The image of the collector. It needs the exporters `awsxray` and `awsemf`.
   *
   * @default - AWS's distribution of the OpenTelemetry Collector
   */
  readonly collectorImage?: ContainerImage;

  /**
   * The namespace of the metrics in CloudWatch: one for each deployment in an account and region.
   *
   * @default - `Sluice/` and the name of the stack
   */
  readonly namespace?: string;

  /**
   * Where alarms are told.
   *
   * @default - nowhere; they can be looked at in CloudWatch
   */
  readonly alarmTopic?: ITopic;

  /**
   * When there is something to look at.
   *
   * @default - see {@link AlarmThresholds}
   */
  readonly alarms?: AlarmThresholds;

  /**
   * Sessions that a task has on average above which another one is started; 60 % of CPU is the other reason. Without a collector
   * nobody counts them.
   *
   * @default 400
   */
  readonly sessionsPerTask?: number;
}

export interface SluiceObservabilitySite extends SluiceObservabilityProps {
  /** Of the metrics; undefined without a collector. */
  readonly metricsNamespace: string | undefined;
  readonly service: SluiceService;
  readonly frontDoor: SluiceFrontDoor;
  readonly deadLetterQueue: IQueue | undefined;
}

/** Traces, metrics, a dashboard and alarms: what of the service can be seen from outside. */
export class SluiceObservability extends Construct {
  readonly alarms: SluiceAlarms;
  /** Undefined without a collector. */
  readonly dashboard: CfnDashboard | undefined;
  /** By which metrics come to CloudWatch; undefined without a collector. */
  readonly metricsLog: LogGroup | undefined;

  constructor(scope: Construct, id: string, props: SluiceObservabilitySite) {
    super(scope, id);
    const { service, frontDoor, metricsNamespace: namespace, sessionsPerTask } = props;
    refuseFaults(this, wholeNumberFaults('sessionsPerTask', sessionsPerTask, 1, 100_000));
    if (namespace !== undefined) {
      this.metricsLog = addCollector(this, {
        image: props.collectorImage,
        task: service.taskDefinition,
        logGroup: service.logGroup,
        namespace,
      });
      this.dashboard = new CfnDashboard(this, 'Dashboard', {
        dashboardBody: JSON.stringify(toCloudWatchDashboard(namespace)),
      });
      // Each task reports its own, so that their average is what one of them has.
      const sessions = serviceMetric(namespace, 'sluice.session.active', 'Average', Duration.minutes(1));
      service.scaleOnSessions(sessions, sessionsPerTask ?? DEFAULT_SESSIONS_PER_TASK);
    }
    this.alarms = new SluiceAlarms(this, 'Alarms', {
      thresholds: props.alarms ?? {},
      topic: props.alarmTopic,
      namespace,
      service: service.service,
      targetGroup: frontDoor.targetGroup,
      deadLetterQueue: props.deadLetterQueue,
    });
  }
}
