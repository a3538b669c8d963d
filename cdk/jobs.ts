import { Duration } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type IQueue, Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { conflictFaults, refuseFaults, wholeNumberFaults } from './faults.ts';

const DEFAULT_VISIBILITY_SECONDS = 300;
const DEFAULT_RETENTION_DAYS = 4;
const DEFAULT_DEAD_LETTER_RETENTION_DAYS = 14;
const DEFAULT_MAX_RECEIVE_COUNT = 5;

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const MAX_VISIBILITY_SECONDS = 12 * 60 * 60;
const MAX_RETENTION_DAYS = 14;
const MAX_RECEIVE_COUNT = 1000;

export interface SluiceJobsProps {
  /**
   * A queue to use as it is. Its encryption, policy and redrive stay its owner's business. Beside it only
   * `existingDeadLetterQueue` and `fifo` may be given; any other prop is an error.
   *
   * @default - a new queue with a dead-letter queue
   */
  readonly existingQueue?: IQueue;

  /**
   * The dead-letter queue of `existingQueue`, for outputs and alarms; the redrive between the two is not changed.
   * An error without `existingQueue`.
   *
   * @default - none is known for an existing queue; a new queue always gets its own
   */
  readonly existingDeadLetterQueue?: IQueue;

  /**
   * Makes the new queue and its dead-letter queue FIFO queues. Deduplication goes by the job's id, never by
   * content: two uploads of the same bytes are two jobs. With `existingQueue` this states what that queue is, and
   * an error tells when it is not; whether it is one is read from its name, or for a name that only the deployment
   * knows from `Queue.fromQueueAttributes({ fifo })`. Changing it on a deployed stack replaces both queues, and
   * the jobs in them are lost.
   *
   * @default - a standard queue; whatever `existingQueue` is
   */
  readonly fifo?: boolean;

  /**
   * KMS key for the messages of both new queues.
   *
   * @default - encryption with keys that SQS manages (SSE-SQS)
   */
  readonly encryptionKey?: IKey;

  /**
   * Seconds that a received job stays hidden from other consumers; longer than the consumer takes for one job.
   *
   * @default 300
   */
  readonly visibilityTimeoutSeconds?: number;

  /**
   * Days that a job waits for a consumer.
   *
   * @default 4
   */
  readonly retentionDays?: number;

  /**
   * Days that a job is kept in the dead-letter queue. A standard queue counts them from the day the job was first
   * sent, so fewer than `retentionDays` is an error.
   *
   * @default 14
   */
  readonly deadLetterRetentionDays?: number;

  /**
   * How often a job is received without being deleted before it goes to the dead-letter queue.
   *
   * @default 5
   */
  readonly maxReceiveCount?: number;
}

/** The queue of the jobs and its dead-letter queue: encrypted and reached over TLS only. */
export class SluiceJobs extends Construct {
  /** The new queue, or the one passed in. */
  readonly queue: IQueue;

  /** The dead-letter queue; undefined when an existing queue was passed in without one. */
  readonly deadLetterQueue: IQueue | undefined;

  constructor(scope: Construct, id: string, props: SluiceJobsProps = {}) {
    super(scope, id);
    refuseFaults(this, jobsFaults(props));
    if (props.existingQueue) {
      this.queue = props.existingQueue;
      this.deadLetterQueue = props.existingDeadLetterQueue;
    } else {
      const deadLetterQueue = createDeadLetterQueue(this, props);
      this.queue = createQueue(this, props, deadLetterQueue);
      this.deadLetterQueue = deadLetterQueue;
    }
  }
}

function jobsFaults(props: SluiceJobsProps): string[] {
  const { existingQueue, existingDeadLetterQueue, fifo, ...creation } = props;
  const retention = creation.retentionDays ?? DEFAULT_RETENTION_DAYS;
  const deadLetterRetention = creation.deadLetterRetentionDays ?? DEFAULT_DEAD_LETTER_RETENTION_DAYS;
  const faults = [
    ...wholeNumberFaults(
      'visibilityTimeoutSeconds',
      creation.visibilityTimeoutSeconds,
      0,
      MAX_VISIBILITY_SECONDS,
    ),
    ...wholeNumberFaults('retentionDays', creation.retentionDays, 1, MAX_RETENTION_DAYS),
    ...wholeNumberFaults('deadLetterRetentionDays', creation.deadLetterRetentionDays, 1, MAX_RETENTION_DAYS),
    ...wholeNumberFaults('maxReceiveCount', creation.maxReceiveCount, 1, MAX_RECEIVE_COUNT),
  ];
  if (deadLetterRetention < retention) {
    faults.push(
      `deadLetterRetentionDays (${deadLetterRetention}) must not be below retentionDays (${retention})`,
    );
  }
  if (existingQueue) {
    faults.push(...conflictFaults('existingQueue', creation));
    faults.push(...existingQueueFaults(existingQueue, existingDeadLetterQueue, fifo));
  } else if (existingDeadLetterQueue) {
    faults.push('existingDeadLetterQueue needs existingQueue; a new queue gets its own dead-letter queue');
  }
  return faults;
}

function existingQueueFaults(
  queue: IQueue,
  deadLetterQueue: IQueue | undefined,
  fifo: boolean | undefined,
): string[] {
  const faults: string[] = [];
  if (fifo !== undefined && fifo !== queue.fifo) {
    faults.push(`fifo is ${fifo}, but existingQueue is a ${kindOf(queue)} queue`);
  }
  if (deadLetterQueue && deadLetterQueue.fifo !== queue.fifo) {
    faults.push(
      `existingDeadLetterQueue is a ${kindOf(deadLetterQueue)} queue, but existingQueue is a ${kindOf(queue)} queue`,
    );
  }
  return faults;
}

function kindOf(queue: IQueue): string {
  return queue.fifo ? 'FIFO' : 'standard';
}

function createDeadLetterQueue(scope: Construct, props: SluiceJobsProps): Queue {
  return new Queue(scope, 'DeadLetterQueue', {
    ...sharedQueueProps(props),
    retentionPeriod: Duration.days(props.deadLetterRetentionDays ?? DEFAULT_DEAD_LETTER_RETENTION_DAYS),
  });
}

function createQueue(scope: Construct, props: SluiceJobsProps, deadLetterQueue: Queue): Queue {
  return new Queue(scope, 'Queue', {
    ...sharedQueueProps(props),
    visibilityTimeout: Duration.seconds(props.visibilityTimeoutSeconds ?? DEFAULT_VISIBILITY_SECONDS),
    retentionPeriod: Duration.days(props.retentionDays ?? DEFAULT_RETENTION_DAYS),
    deadLetterQueue: {
      queue: deadLetterQueue,
      maxReceiveCount: props.maxReceiveCount ?? DEFAULT_MAX_RECEIVE_COUNT,
    },
  });
}

function sharedQueueProps(props: SluiceJobsProps): QueueProps {
  return {
    ...(props.encryptionKey
      ? { encryption: QueueEncryption.KMS, encryptionMasterKey: props.encryptionKey }
      : { encryption: QueueEncryption.SQS_MANAGED }),
    enforceSSL: true,
    ...(props.fifo && { fifo: true, contentBasedDeduplication: false }),
  };
}
