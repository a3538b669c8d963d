import { App } from 'aws-cdk-lib';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { SluiceStack } from './stack.ts';

// Run by the CDK command line (cdk.json). No account or region is named here, so that synth needs no credentials;
// deploy takes both from them.
const app = new App();
// -c image=...: one that was built before, so that deploying needs no Docker.
const image: unknown = app.node.tryGetContext('image');
// -c keyPrefix=session:prefix: users have a folder each; -c assumeRole=true: and credentials for it alone (docs/tenancy.md).
const keyPrefix: unknown = app.node.tryGetContext('keyPrefix');
const assumeRole: unknown = app.node.tryGetContext('assumeRole');
new SluiceStack(app, 'Sluice', {
  description: 'Sluice: an SFTP front door to S3',
  ...(typeof keyPrefix === 'string' ? { keyPrefix } : {}),
  assumeRole: `${assumeRole}` === 'true',
  ...(typeof image === 'string' ? { service: { image: ContainerImage.fromRegistry(image) } } : {}),
});
