import { Stack, type StackProps } from 'aws-cdk-lib';
import { SubnetType } from 'aws-cdk-lib/aws-ec2';
import { describe, expect, test, vi } from 'vitest';
import { SluiceNetwork, type SluiceNetworkProps } from '../cdk/network.ts';
import { existingVpc, flaggedApp, propertiesOf, templateOf } from './support/appliance.ts';
import { rulesOf } from './support/readable.ts';

// The library checks every template that it synthesizes, and loads its rules for that when the first one is.
vi.setConfig({ testTimeout: 30_000 });

function networkWith(
  propsOf: (stack: Stack) => SluiceNetworkProps = () => ({}),
  stackProps: StackProps = {},
): SluiceNetwork {
  const stack = new Stack(flaggedApp(), 'Test', stackProps);
  return new SluiceNetwork(stack, 'Network', propsOf(stack));
}

/** What a network's endpoints lead to, without what stands before it in the names of services. */
function endpointsOf(network: SluiceNetwork, type: 'Gateway' | 'Interface'): string[] {
  return Object.values(templateOf(network).findResources('AWS::EC2::VPCEndpoint'))
    .map(({ Properties }) => Properties)
    .filter(({ VpcEndpointType = 'Gateway' }) => VpcEndpointType === type)
    .map(({ ServiceName }) => JSON.stringify(ServiceName).replace(/^.*"\.([^"]*)".*$/, '$1'))
    .sort();
}

describe('a new network', () => {
  test('has public subnets in two zones and nothing else', () => {
    const template = templateOf(networkWith());
    const subnets = Object.values(template.findResources('AWS::EC2::Subnet'));
    expect(subnets.map(({ Properties }) => Properties.AvailabilityZone)).toEqual([
      { 'Fn::Select': [0, { 'Fn::GetAZs': '' }] },
      { 'Fn::Select': [1, { 'Fn::GetAZs': '' }] },
    ]);
    expect(networkWith().vpc.publicSubnets).toHaveLength(2);
  });

  test('gives no address to what does not ask for one', () => {
    templateOf(networkWith()).allResourcesProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: false });
  });

  test('has no NAT, neither by gateway nor by instance', () => {
    for (const isolated of [false, true]) {
      const template = templateOf(networkWith(() => ({ isolated })));
      template.resourceCountIs('AWS::EC2::NatGateway', 0);
      template.resourceCountIs('AWS::EC2::Instance', 0);
      template.resourceCountIs('AWS::EC2::EIP', 0);
    }
  });

  test('leads to S3 by a gateway endpoint, which costs nothing, from every subnet', () => {
    for (const isolated of [false, true]) {
      const network = networkWith(() => ({ isolated }));
      expect(endpointsOf(network, 'Gateway')).toEqual(['s3']);
      const [gateway] = Object.values(
        templateOf(network).findResources('AWS::EC2::VPCEndpoint', {
          Properties: { VpcEndpointType: 'Gateway' },
        }),
      );
      const tables = Object.keys(templateOf(network).findResources('AWS::EC2::RouteTable'));
      expect(gateway?.['Properties'].RouteTableIds).toHaveLength(tables.length);
    }
  });

  test('has no endpoint by the hour unless its tasks are isolated', () => {
    expect(endpointsOf(networkWith(), 'Interface')).toEqual([]);
  });

  test('gives tasks addresses of their own, since they have no other way out', () => {
    expect(networkWith().assignPublicIp).toBe(true);
  });

  test('takes addresses and zones from the props', () => {
    const network = networkWith(() => ({ cidr: '192.168.0.0/18', zones: 3 }), {
      env: { account: '111122223333', region: 'eu-west-1' },
    });
    expect(propertiesOf(network, 'AWS::EC2::VPC')).toMatchObject({ CidrBlock: '192.168.0.0/18' });
    expect(network.vpc.publicSubnets).toHaveLength(3);
  });

  test('makes no function that could empty security groups', () => {
    const template = templateOf(networkWith());
    template.resourceCountIs('AWS::Lambda::Function', 0);
    template.resourceCountIs('AWS::IAM::Role', 0);
  });
});

describe('an isolated network', () => {
  const isolated = () => networkWith(() => ({ isolated: true }));

  test('runs tasks in subnets without a way to the internet, and gives them no address there', () => {
    const network = isolated();
    expect(network.assignPublicIp).toBe(false);
    const { subnets } = network.vpc.selectSubnets(network.taskSubnets);
    expect(subnets).toHaveLength(2);
    expect(subnets).toEqual(network.vpc.isolatedSubnets);
    const routes = Object.values(templateOf(network).findResources('AWS::EC2::Route'));
    expect(routes).toHaveLength(network.vpc.publicSubnets.length);
  });

  test('has endpoints for what the tasks need besides S3: image, secrets, queue, logs, traces', () => {
    expect(endpointsOf(isolated(), 'Interface')).toEqual([
      'ecr.api',
      'ecr.dkr',
      'logs',
      'secretsmanager',
      'sqs',
      'xray',
    ]);
  });

  test('lets the endpoints be reached from the VPC by HTTPS alone', () => {
    const rules = rulesOf(isolated()).filter((rule) => rule.includes(' from '));
    expect(rules).toHaveLength(6);
    for (const rule of rules) expect(rule).toMatch(/from <Network\/Vpc.CidrBlock>: tcp 443$/);
  });

  test('still has public subnets, for a load balancer', () => {
    const network = isolated();
    expect(network.vpc.selectSubnets(network.frontSubnets(false)).subnets).toEqual(network.vpc.publicSubnets);
  });
});

describe('the subnets of the load balancer', () => {
  test('are the public ones, or those of the tasks when it is internal', () => {
    const network = networkWith(() => ({ isolated: true }));
    const subnetsOf = (isInternal: boolean) =>
      network.vpc.selectSubnets(network.frontSubnets(isInternal)).subnets;
    expect(subnetsOf(false)).toEqual(network.vpc.publicSubnets);
    expect(subnetsOf(true)).toEqual(network.vpc.isolatedSubnets);
  });

  test('are those passed in, internal or not', () => {
    const frontSubnets = { subnetType: SubnetType.PRIVATE_WITH_EGRESS };
    const network = networkWith((stack) => ({ existingVpc: existingVpc(stack), frontSubnets }));
    for (const isInternal of [false, true]) expect(network.frontSubnets(isInternal)).toBe(frontSubnets);
  });
});

describe('an existing VPC', () => {
  test('is exposed as it is, and nothing is created', () => {
    const stack = new Stack(flaggedApp(), 'Test');
    const vpc = existingVpc(stack);
    const network = new SluiceNetwork(stack, 'Network', { existingVpc: vpc });
    expect(network.vpc).toBe(vpc);
    expect(network.node.children).toEqual([]);
  });

  test('gives tasks addresses of their own in its public subnets, and in no others', () => {
    const inPublic = networkWith((stack) => ({ existingVpc: existingVpc(stack) }));
    expect(inPublic.assignPublicIp).toBe(true);
    const inPrivate = networkWith((stack) => ({
      existingVpc: existingVpc(stack),
      taskSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
    }));
    expect(inPrivate.assignPublicIp).toBe(false);
  });

  test('is refused together with props that would shape a new one, all named in one error', () => {
    const create = () =>
      networkWith((stack) => ({
        existingVpc: existingVpc(stack),
        cidr: '10.0.0.0/16',
        zones: 2,
        isolated: true,
      }));
    expect(create).toThrow(
      /^Test\/Network: invalid props\n {2}- cidr has.*\n {2}- zones has.*\n {2}- isolated has.*$/,
    );
  });
});

describe('props of a network', () => {
  test('are refused when subnets are chosen in a VPC that is yet to be made, both in one error', () => {
    const subnets = { subnetType: SubnetType.PUBLIC };
    expect(() => networkWith(() => ({ frontSubnets: subnets, taskSubnets: subnets }))).toThrow(
      'Test/Network: invalid props\n' +
        '  - frontSubnets needs existingVpc; a new VPC has its own\n' +
        '  - taskSubnets needs existingVpc; a new VPC has its own',
    );
  });

  test('are refused with fewer than two zones, or more than a region has', () => {
    for (const zones of [1, 7, 2.5]) {
      expect(() => networkWith(() => ({ zones }))).toThrow(
        `zones must be a whole number from 2 to 6, not ${zones}`,
      );
    }
  });

  test('are refused with more zones than a stack for any region knows of: it would get fewer', () => {
    expect(() => networkWith(() => ({ zones: 3 }))).toThrow(
      'zones: a stack without account and region knows of 2; give it env, or leave out zones',
    );
  });
});
