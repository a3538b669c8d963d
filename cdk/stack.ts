import { CfnOutput, Fn, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { SftpIngestion, type SftpIngestionProps } from './ingestion.ts';

/** What {@link SftpIngestion} takes, and what every stack does. */
export interface SluiceStackProps extends StackProps, SftpIngestionProps {}

/** The whole appliance in a stack of its own, with what its operator and its partners need to know as outputs. */
export class SluiceStack extends Stack {
  readonly ingestion: SftpIngestion;

  constructor(scope: Construct, id: string, props: SluiceStackProps = {}) {
    super(scope, id, props);
    this.ingestion = new SftpIngestion(this, 'Sluice', props);
    const { storage, jobs, credentials, frontDoor, service } = this.ingestion;

    this.#tell('Address', 'What partners connect to, on port 22', frontDoor.loadBalancer.loadBalancerDnsName);
    if (frontDoor.addresses.length > 0) {
      const addresses = frontDoor.addresses.map(({ ref }) => ref);
      this.#tell('Addresses', "The same, for partners' firewalls: they stay", Fn.join(' ', addresses));
    }
    if (credentials.fingerprints !== undefined) {
      this.#tell('HostKeys', 'Fingerprints of the host keys, to give to partners', credentials.fingerprints);
    }
    this.#tell('HostKeysSecret', 'The secret with the host keys', credentials.hostKeys.secretArn);
    if (credentials.users !== undefined) {
      this.#tell('UsersSecret', 'The secret with the users document', credentials.users.secretArn);
    }
    this.#tell('BucketName', 'Bucket that uploads go to', storage.bucket.bucketName);
    this.#tell('QueueUrl', 'Queue of the jobs', jobs.queue.queueUrl);
    if (jobs.deadLetterQueue) {
      this.#tell(
        'DeadLetterQueueUrl',
        'Queue of the jobs that no consumer could finish',
        jobs.deadLetterQueue.queueUrl,
      );
    }
    this.#tell('ClusterName', 'ECS cluster of the tasks', service.cluster.clusterName);
    this.#tell('ServiceName', 'ECS service of the tasks', service.service.serviceName);
    this.#tell('LogGroupName', 'Log of the service', service.logGroup.logGroupName);
  }

  #tell(name: string, description: string, value: string): void {
    new CfnOutput(this, name, { description, value });
  }
}
