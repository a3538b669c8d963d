import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { SluiceJobs, type SluiceJobsProps } from './jobs.ts';
import { SluiceStorage, type SluiceStorageProps } from './storage.ts';

export interface SluiceStackProps extends StackProps {
  /**
   * The bucket that uploads go to.
   *
   * @default - a new bucket with the defaults of {@link SluiceStorage}
   */
  readonly storage?: SluiceStorageProps;

  /**
   * The queue of the jobs.
   *
   * @default - a new queue with the defaults of {@link SluiceJobs}
   */
  readonly jobs?: SluiceJobsProps;
}

/**
 * What Sluice keeps in AWS: the bucket and the queue.
 *
 * This is not the whole appliance yet. The service (Fargate tasks, load balancer, host keys, users), the network and
 * the observability constructs are not in this stack: deploying it gives a place for files and jobs, and no SFTP
 * server. Run `sluice serve` elsewhere with the outputs as `SLUICE_BUCKET` and `SLUICE_QUEUE_URL`. For the same reason
 * a stack with both bucket and queue passed in is empty as yet, which CloudFormation refuses to deploy.
 */
export class SluiceStack extends Stack {
  readonly storage: SluiceStorage;
  readonly jobs: SluiceJobs;

  constructor(scope: Construct, id: string, props: SluiceStackProps = {}) {
    const { storage, jobs, ...stackProps } = props;
    super(scope, id, stackProps);
    this.storage = new SluiceStorage(this, 'Storage', storage);
    this.jobs = new SluiceJobs(this, 'Jobs', jobs);

    new CfnOutput(this, 'BucketName', {
      description: 'Bucket that uploads go to (SLUICE_BUCKET)',
      value: this.storage.bucket.bucketName,
    });
    new CfnOutput(this, 'QueueUrl', {
      description: 'Queue of the jobs (SLUICE_QUEUE_URL)',
      value: this.jobs.queue.queueUrl,
    });
    if (this.jobs.deadLetterQueue) {
      new CfnOutput(this, 'DeadLetterQueueUrl', {
        description: 'Queue of the jobs that no consumer could finish',
        value: this.jobs.deadLetterQueue.queueUrl,
      });
    }
  }
}
