import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { SluiceStack } from '../cdk/stack.ts';

// The library checks every template that it synthesizes, and loads its rules for that when the first one is.
vi.setConfig({ testTimeout: 90_000 });

function outputsOf(template: Template): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(template.findOutputs('*')).map(([name, output]) => [name, output['Value']]),
  );
}

describe('the stack', () => {
  test('outputs what its operator and its partners need to know', () => {
    const stack = new SluiceStack(new App(), 'Sluice');
    const { storage, jobs, credentials, frontDoor, service } = stack.ingestion;
    expect(outputsOf(Template.fromStack(stack))).toEqual({
      Address: stack.resolve(frontDoor.loadBalancer.loadBalancerDnsName),
      Addresses: {
        'Fn::Join': [' ', frontDoor.addresses.map(({ ref }) => stack.resolve(ref))],
      },
      HostKeys: stack.resolve(credentials.fingerprints),
      HostKeysSecret: stack.resolve(credentials.hostKeys.secretArn),
      UsersSecret: stack.resolve(credentials.users?.secretArn),
      BucketName: stack.resolve(storage.bucket.bucketName),
      QueueUrl: stack.resolve(jobs.queue.queueUrl),
      DeadLetterQueueUrl: stack.resolve(jobs.deadLetterQueue?.queueUrl),
      ClusterName: stack.resolve(service.cluster.clusterName),
      ServiceName: stack.resolve(service.service.serviceName),
      LogGroupName: stack.resolve(service.logGroup.logGroupName),
    });
  });

  test('hands its props on to the constructs and to the stack', () => {
    const stack = new SluiceStack(new App(), 'Sluice', {
      description: 'mine',
      storage: { versioned: true },
      jobs: { fifo: true },
    });
    const template = Template.fromStack(stack);
    template.templateMatches({ Description: 'mine' });
    template.hasResourceProperties('AWS::S3::Bucket', { VersioningConfiguration: { Status: 'Enabled' } });
    template.allResourcesProperties('AWS::SQS::Queue', { FifoQueue: true });
  });

  test('makes no bucket and no queue where they are passed in, and outputs what is known of these', () => {
    const app = new App();
    const owner = new Stack(app, 'Owner');
    const existingBucket = Bucket.fromBucketName(owner, 'Bucket', 'mine');
    const existingQueue = Queue.fromQueueArn(owner, 'Queue', 'arn:aws:sqs:eu-west-1:111122223333:mine');
    const stack = new SluiceStack(app, 'Sluice', { storage: { existingBucket }, jobs: { existingQueue } });
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::S3::Bucket', 0);
    template.resourceCountIs('AWS::SQS::Queue', 0);
    const outputs = outputsOf(template);
    expect(outputs).toMatchObject({
      BucketName: 'mine',
      QueueUrl: {
        'Fn::Join': ['', ['https://sqs.eu-west-1.', { Ref: 'AWS::URLSuffix' }, '/111122223333/mine']],
      },
    });
    expect(outputs).not.toHaveProperty('DeadLetterQueueUrl');
  });
});

describe('the app of cdk.json', () => {
  /** What `cdk synth` runs, without anything that the machine may know of an account. */
  function synthesize(context: object = {}) {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-cdk-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const root = join(import.meta.dirname, '..');
    const { app } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { app: string };
    execFileSync('sh', ['-c', app], {
      cwd: root,
      env: {
        PATH: process.env['PATH'],
        HOME: directory,
        CDK_OUTDIR: directory,
        CDK_CONTEXT_JSON: JSON.stringify(context),
      },
    });
    const read = (file: string) => JSON.parse(readFileSync(join(directory, file), 'utf8'));
    return {
      manifest: read('manifest.json'),
      template: Template.fromJSON(read('Sluice.template.json')),
      assets: read('Sluice.assets.json'),
    };
  }

  test('synthesizes the stack for any account and region without credentials or lookups', () => {
    const { manifest, template, assets } = synthesize();
    expect(manifest.missing).toBeUndefined();
    expect(manifest.artifacts['Sluice'].environment).toBe('aws://unknown-account/unknown-region');
    template.resourceCountIs('AWS::ECS::Service', 1);
    // The image of this repository is built when it is deployed, not before.
    expect(Object.keys(assets.dockerImages)).toHaveLength(1);
  });

  test('takes an image that was built before, so that there is nothing to build', () => {
    const { template, assets } = synthesize({ image: 'sluice:1.2.3' });
    expect(assets.dockerImages).toEqual({});
    template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      ContainerDefinitions: Match.arrayWith([Match.objectLike({ Name: 'sluice', Image: 'sluice:1.2.3' })]),
    });
  });
});
