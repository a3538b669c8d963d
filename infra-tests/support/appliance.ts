import { readFileSync } from 'node:fs';
import { App, Stack, type StackProps } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import type { IConstruct } from 'constructs';
import { SftpIngestion, type SftpIngestionProps } from '../../cdk/ingestion.ts';

export const KEY_ARN = 'arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555';

/** As `cdk synth` has it in this repository: with the feature flags of cdk.json. */
export function flaggedApp(): App {
  const text = readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8');
  return new App({ context: (JSON.parse(text) as { context: Record<string, unknown> }).context });
}

/** The whole appliance in the stack `Test`, with an image that need not be built. The one without props is made once. */
export function ingestionWith(
  propsOf?: (stack: Stack) => SftpIngestionProps,
  stackProps: StackProps = {},
): SftpIngestion {
  if (propsOf !== undefined) return createIngestion(propsOf, stackProps);
  standard ??= createIngestion(() => ({}), {});
  return standard;
}

let standard: SftpIngestion | undefined;

function createIngestion(
  propsOf: (stack: Stack) => SftpIngestionProps,
  stackProps: StackProps,
): SftpIngestion {
  const stack = new Stack(flaggedApp(), 'Test', stackProps);
  const props = propsOf(stack);
  const service = { image: ContainerImage.fromRegistry('sluice'), ...props.service };
  return new SftpIngestion(stack, 'Sluice', { ...props, service });
}

/** A VPC that somebody else has made, with public and private subnets in two zones. */
export function existingVpc(stack: Stack): IVpc {
  const idsOf = (kind: string, digits: readonly string[]) =>
    digits.map((digit) => `${kind}-${digit.repeat(17)}`);
  return Vpc.fromVpcAttributes(stack, 'Mine', {
    vpcId: 'vpc-11111111111111111',
    availabilityZones: ['eu-west-1a', 'eu-west-1b'],
    publicSubnetIds: idsOf('subnet', ['1', '2']),
    publicSubnetRouteTableIds: idsOf('rtb', ['1', '2']),
    privateSubnetIds: idsOf('subnet', ['3', '4']),
    privateSubnetRouteTableIds: idsOf('rtb', ['3', '4']),
  });
}

export function templateOf(construct: IConstruct): Template {
  return Template.fromStack(Stack.of(construct));
}

/** Properties of the only resource of a type, or of the only one at a path. */
export function propertiesOf<T = Record<string, unknown>>(construct: IConstruct, type: string): T {
  const found = Object.values(templateOf(construct).findResources(type));
  if (found.length !== 1) throw new Error(`expected one ${type}, found ${found.length}`);
  return found[0]?.['Properties'] as T;
}
