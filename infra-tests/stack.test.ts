import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { SluiceStack } from '../cdk/stack.ts';

// The library checks every template that it synthesizes, and loads its rules for that when the first one is.
vi.setConfig({ testTimeout: 30_000 });

function outputsOf(template: Template): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(template.findOutputs('*')).map(([name, output]) => [name, output['Value']]),
  );
}

describe('the stack', () => {
  test('holds one bucket, a queue and its dead-letter queue, their policies and nothing else', () => {
    const template = Template.fromStack(new SluiceStack(new App(), 'Sluice'));
    const types = Object.values<{ Type: string }>(template.toJSON()['Resources']).map(({ Type }) => Type);
    expect(types.toSorted()).toEqual([
      'AWS::S3::Bucket',
      'AWS::S3::BucketPolicy',
      'AWS::SQS::Queue',
      'AWS::SQS::Queue',
      'AWS::SQS::QueuePolicy',
      'AWS::SQS::QueuePolicy',
    ]);
  });

  test('outputs the bucket name and both queue URLs', () => {
    const stack = new SluiceStack(new App(), 'Sluice');
    expect(outputsOf(Template.fromStack(stack))).toEqual({
      BucketName: stack.resolve(stack.storage.bucket.bucketName),
      QueueUrl: stack.resolve(stack.jobs.queue.queueUrl),
      DeadLetterQueueUrl: stack.resolve(stack.jobs.deadLetterQueue?.queueUrl),
    });
  });

  test('hands its props on to both constructs and to the stack', () => {
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

  test('creates no bucket and outputs the name of the one passed in', () => {
    const app = new App();
    const owner = new SluiceStack(app, 'Owner');
    const existingBucket = Bucket.fromBucketName(owner, 'Mine', 'mine');
    const template = Template.fromStack(new SluiceStack(app, 'Sluice', { storage: { existingBucket } }));
    template.resourceCountIs('AWS::S3::Bucket', 0);
    expect(outputsOf(template)).toMatchObject({ BucketName: 'mine' });
  });

  test('creates no queue and outputs only what is known of the one passed in', () => {
    const app = new App();
    const owner = new SluiceStack(app, 'Owner');
    const existingQueue = Queue.fromQueueArn(owner, 'Mine', 'arn:aws:sqs:eu-west-1:111122223333:mine');
    const template = Template.fromStack(new SluiceStack(app, 'Sluice', { jobs: { existingQueue } }));
    template.resourceCountIs('AWS::SQS::Queue', 0);
    expect(outputsOf(template)).toEqual({
      BucketName: expect.anything(),
      QueueUrl: {
        'Fn::Join': ['', ['https://sqs.eu-west-1.', { Ref: 'AWS::URLSuffix' }, '/111122223333/mine']],
      },
    });
  });
});

describe('the app of cdk.json', () => {
  test('synthesizes the stack for any account and region without credentials or lookups', () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-cdk-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const root = join(import.meta.dirname, '..');
    const { app } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { app: string };

    execFileSync('sh', ['-c', app], {
      cwd: root,
      env: { PATH: process.env['PATH'], HOME: directory, CDK_OUTDIR: directory },
    });

    const manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8'));
    expect(manifest.missing).toBeUndefined();
    expect(manifest.artifacts['Sluice'].environment).toBe('aws://unknown-account/unknown-region');
    const template = JSON.parse(readFileSync(join(directory, 'Sluice.template.json'), 'utf8'));
    expect(Object.keys(template.Outputs).toSorted()).toEqual([
      'BucketName',
      'DeadLetterQueueUrl',
      'QueueUrl',
    ]);
  });
});
