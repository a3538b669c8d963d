import { App } from 'aws-cdk-lib';
import { SluiceStack } from './stack.ts';

// Run by the CDK command line (cdk.json). No account or region is named here, so that synth needs no credentials;
// deploy takes both from them.
const app = new App();
new SluiceStack(app, 'Sluice', { description: 'Sluice: an SFTP front door to S3 (bucket and queue)' });
