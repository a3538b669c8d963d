import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { type IQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, test, vi } from 'vitest';
import { SluiceJobs, type SluiceJobsProps } from '../cdk/jobs.ts';

// The library checks every template that it synthesizes, and loads its rules for that when the first one is.
vi.setConfig({ testTimeout: 30_000 });

const KEY_ARN = 'arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555';

function jobsWith(propsOf: (stack: Stack) => SluiceJobsProps = () => ({})): SluiceJobs {
  const stack = new Stack(new App(), 'Test');
  return new SluiceJobs(stack, 'Jobs', propsOf(stack));
}

function templateOf(jobs: SluiceJobs): Template {
  return Template.fromStack(Stack.of(jobs));
}

/** The queue and its dead-letter queue, told apart by which one redrives. */
function queuesOf(jobs: SluiceJobs) {
  const queues = Object.entries(templateOf(jobs).findResources('AWS::SQS::Queue')).map(
    ([logicalId, resource]) => ({
      logicalId,
      properties: resource['Properties'] as Record<string, unknown>,
    }),
  );
  expect(queues).toHaveLength(2);
  const queue = queues.find(({ properties }) => 'RedrivePolicy' in properties);
  const deadLetterQueue = queues.find(({ properties }) => !('RedrivePolicy' in properties));
  if (!queue || !deadLetterQueue) throw new Error('expected exactly one of two queues to redrive');
  return { queue, deadLetterQueue };
}

function imported(stack: Stack, name: string): IQueue {
  return Queue.fromQueueArn(stack, name, `arn:aws:sqs:eu-west-1:111122223333:${name}`);
}

describe('new queues', () => {
  test('are both encrypted with keys that SQS manages unless a key is given', () => {
    const { queue, deadLetterQueue } = queuesOf(jobsWith());
    for (const { properties } of [queue, deadLetterQueue]) {
      expect(properties).toMatchObject({ SqsManagedSseEnabled: true });
      expect(properties).not.toHaveProperty('KmsMasterKeyId');
    }
  });

  test('are both encrypted with the given KMS key', () => {
    const { queue, deadLetterQueue } = queuesOf(
      jobsWith((stack) => ({ encryptionKey: Key.fromKeyArn(stack, 'Key', KEY_ARN) })),
    );
    for (const { properties } of [queue, deadLetterQueue]) {
      expect(properties).toMatchObject({ KmsMasterKeyId: KEY_ARN });
    }
  });

  test('both deny every action without TLS and allow nothing else', () => {
    const jobs = jobsWith();
    const { queue, deadLetterQueue } = queuesOf(jobs);
    const policies = Object.values(templateOf(jobs).findResources('AWS::SQS::QueuePolicy'));
    const expected = [queue, deadLetterQueue].map(({ logicalId }) => ({
      Queues: [{ Ref: logicalId }],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Deny',
            Principal: { AWS: '*' },
            Action: 'sqs:*',
            Resource: { 'Fn::GetAtt': [logicalId, 'Arn'] },
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          },
        ],
      },
    }));
    expect(policies).toHaveLength(expected.length);
    expect(policies.map((policy) => policy['Properties'])).toEqual(expect.arrayContaining(expected));
  });

  test('are standard queues unless FIFO is asked for', () => {
    const jobs = jobsWith();
    const { queue, deadLetterQueue } = queuesOf(jobs);
    expect(jobs.queue.fifo).toBe(false);
    for (const { properties } of [queue, deadLetterQueue]) {
      expect(properties).not.toHaveProperty('FifoQueue');
      expect(properties).not.toHaveProperty('ContentBasedDeduplication');
    }
  });

  test('are both FIFO queues without content-based deduplication when FIFO is asked for', () => {
    const jobs = jobsWith(() => ({ fifo: true }));
    const { queue, deadLetterQueue } = queuesOf(jobs);
    expect(jobs.queue.fifo).toBe(true);
    for (const { properties } of [queue, deadLetterQueue]) {
      expect(properties).toMatchObject({ FifoQueue: true, ContentBasedDeduplication: false });
    }
  });

  test('hide a received job for five minutes and keep jobs 4 days, dead ones 14', () => {
    const { queue, deadLetterQueue } = queuesOf(jobsWith());
    expect(queue.properties).toMatchObject({
      VisibilityTimeout: 300,
      MessageRetentionPeriod: 4 * 86_400,
    });
    expect(deadLetterQueue.properties).toMatchObject({ MessageRetentionPeriod: 14 * 86_400 });
  });

  test('take times and counts from the props', () => {
    const { queue, deadLetterQueue } = queuesOf(
      jobsWith(() => ({
        visibilityTimeoutSeconds: 45,
        retentionDays: 2,
        deadLetterRetentionDays: 7,
        maxReceiveCount: 9,
      })),
    );
    expect(queue.properties).toMatchObject({
      VisibilityTimeout: 45,
      MessageRetentionPeriod: 2 * 86_400,
      RedrivePolicy: { maxReceiveCount: 9 },
    });
    expect(deadLetterQueue.properties).toMatchObject({ MessageRetentionPeriod: 7 * 86_400 });
  });
});

describe('the redrive', () => {
  test('sends a job to the dead-letter queue after five receives', () => {
    const { queue, deadLetterQueue } = queuesOf(jobsWith());
    expect(queue.properties['RedrivePolicy']).toEqual({
      deadLetterTargetArn: { 'Fn::GetAtt': [deadLetterQueue.logicalId, 'Arn'] },
      maxReceiveCount: 5,
    });
  });

  test('ends in the queue that is exposed as the dead-letter queue', () => {
    const jobs = jobsWith();
    const { queue, deadLetterQueue } = queuesOf(jobs);
    const stack = Stack.of(jobs);
    expect(stack.resolve(jobs.queue.queueUrl)).toEqual({ Ref: queue.logicalId });
    expect(stack.resolve(jobs.deadLetterQueue?.queueUrl)).toEqual({
      Ref: deadLetterQueue.logicalId,
    });
  });
});

describe('an existing queue', () => {
  test('is exposed as it is with its dead-letter queue, and nothing is created', () => {
    const stack = new Stack(new App(), 'Test');
    const existingQueue = imported(stack, 'mine');
    const existingDeadLetterQueue = imported(stack, 'mine-dead');
    const jobs = new SluiceJobs(stack, 'Jobs', { existingQueue, existingDeadLetterQueue });
    expect(jobs.queue).toBe(existingQueue);
    expect(jobs.deadLetterQueue).toBe(existingDeadLetterQueue);
    expect(jobs.node.children).toEqual([]);
  });

  test('has no dead-letter queue when none is passed in with it', () => {
    const jobs = jobsWith((stack) => ({ existingQueue: imported(stack, 'mine') }));
    expect(jobs.deadLetterQueue).toBeUndefined();
  });

  test('may be a FIFO queue, stated or not', () => {
    for (const stated of [{}, { fifo: true }]) {
      const jobs = jobsWith((stack) => ({ existingQueue: imported(stack, 'mine.fifo'), ...stated }));
      expect(jobs.queue.fifo).toBe(true);
    }
  });

  test('is refused when its name says FIFO and the prop does not, or the other way round', () => {
    const create = (name: string, fifo: boolean) => () =>
      jobsWith((stack) => ({ existingQueue: imported(stack, name), fifo }));
    expect(create('mine.fifo', false)).toThrow('fifo is false, but existingQueue is a FIFO queue');
    expect(create('mine', true)).toThrow('fifo is true, but existingQueue is a standard queue');
  });

  test('is refused with a dead-letter queue of the other kind', () => {
    const create = () =>
      jobsWith((stack) => ({
        existingQueue: imported(stack, 'mine.fifo'),
        existingDeadLetterQueue: imported(stack, 'mine-dead'),
      }));
    expect(create).toThrow('existingDeadLetterQueue is a standard queue, but existingQueue is a FIFO queue');
  });

  test('is refused together with props that would shape a new queue, all named in one error', () => {
    const create = () =>
      jobsWith((stack) => ({
        existingQueue: imported(stack, 'mine'),
        encryptionKey: Key.fromKeyArn(stack, 'Key', KEY_ARN),
        maxReceiveCount: 3,
      }));
    expect(create).toThrow(
      /^Test\/Jobs: invalid props\n {2}- encryptionKey has.*\n {2}- maxReceiveCount has.*$/,
    );
  });
});

describe('times and counts', () => {
  test('are refused outside what SQS takes, all faults in one error', () => {
    const create = () =>
      jobsWith(() => ({
        visibilityTimeoutSeconds: 43_201,
        retentionDays: -4,
        deadLetterRetentionDays: 15,
        maxReceiveCount: 0,
      }));
    expect(create).toThrow(
      'Test/Jobs: invalid props\n' +
        '  - visibilityTimeoutSeconds must be a whole number from 0 to 43200, not 43201\n' +
        '  - retentionDays must be a whole number from 1 to 14, not -4\n' +
        '  - deadLetterRetentionDays must be a whole number from 1 to 14, not 15\n' +
        '  - maxReceiveCount must be a whole number from 1 to 1000, not 0',
    );
  });

  test('are refused when dead jobs would be dropped before waiting ones', () => {
    expect(() => jobsWith(() => ({ deadLetterRetentionDays: 3 }))).toThrow(
      'deadLetterRetentionDays (3) must not be below retentionDays (4)',
    );
  });

  test('are refused with a dead-letter queue for a queue that is not passed in', () => {
    expect(() => jobsWith((stack) => ({ existingDeadLetterQueue: imported(stack, 'mine-dead') }))).toThrow(
      'existingDeadLetterQueue needs existingQueue',
    );
  });
});
