import { App } from 'aws-cdk-lib';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { SluiceStack } from './stack.ts';

// Run by the CDK command line (cdk.json). No account or region is named here, so that synth needs no credentials;
// deploy takes both from them.
const app = new App();
// -c image=...: one that was built before, so that deploying needs no Docker.
const image: unknown = app.node.tryGetContext('image');
new SluiceStack(app, 'Sluice', {
  description: 'Sluice: an SFTP front door to S3',
  ...(typeof image === 'string' ? { service: { image: ContainerImage.fromRegistry(image) } } : {}),
});
