import { CfnParameter, Stack } from 'aws-cdk-lib';
import { SubnetType } from 'aws-cdk-lib/aws-ec2';
import { describe, expect, test, vi } from 'vitest';
import { SluiceFrontDoor, type SluiceFrontDoorProps } from '../cdk/front-door.ts';
import { SluiceNetwork, type SluiceNetworkProps } from '../cdk/network.ts';
import { existingVpc, flaggedApp, ingestionWith, propertiesOf, templateOf } from './support/appliance.ts';
import { rulesOf } from './support/readable.ts';

// The library checks every template that it synthesizes, and loads its rules for that when the first one is.
vi.setConfig({ testTimeout: 30_000 });

const LOAD_BALANCER = 'AWS::ElasticLoadBalancingV2::LoadBalancer';
const TARGET_GROUP = 'AWS::ElasticLoadBalancingV2::TargetGroup';

function frontDoorWith(
  props: SluiceFrontDoorProps = {},
  networkOf: (stack: Stack) => SluiceNetworkProps = () => ({}),
  stack = new Stack(flaggedApp(), 'Test'),
): SluiceFrontDoor {
  const network = new SluiceNetwork(stack, 'Network', networkOf(stack));
  return new SluiceFrontDoor(stack, 'FrontDoor', { ...props, network, taskPort: 2222, healthPort: 8080 });
}

type Attributes = readonly { readonly Key: string; readonly Value: string }[];

function attributesOf(construct: SluiceFrontDoor, type: string): Record<string, string> {
  const properties = propertiesOf<Record<string, Attributes>>(construct, type);
  const attributes = properties['LoadBalancerAttributes'] ?? properties['TargetGroupAttributes'] ?? [];
  return Object.fromEntries(attributes.map(({ Key, Value }) => [Key, Value]));
}

describe('who may reach what', () => {
  const TO_THE_TASKS = [
    'FrontDoor/SecurityGroup to <FrontDoor/TaskSecurityGroup.GroupId>: tcp 2222',
    'FrontDoor/SecurityGroup to <FrontDoor/TaskSecurityGroup.GroupId>: tcp 8080',
    'FrontDoor/TaskSecurityGroup from <FrontDoor/SecurityGroup.GroupId>: tcp 2222',
    'FrontDoor/TaskSecurityGroup from <FrontDoor/SecurityGroup.GroupId>: tcp 8080',
    'FrontDoor/TaskSecurityGroup to 0.0.0.0/0: anything',
  ];

  test('is: everybody port 22 of the load balancer, it alone two ports of the tasks, and these what they need', () => {
    expect(rulesOf(frontDoorWith())).toEqual([
      'FrontDoor/SecurityGroup from 0.0.0.0/0: tcp 22',
      ...TO_THE_TASKS,
    ]);
  });

  test('is no more in the whole appliance: its service adds no rule', () => {
    expect(rulesOf(ingestionWith())).toEqual(rulesOf(frontDoorWith()));
  });

  test('is, of the load balancer, those whose networks are given, and nobody else', () => {
    const door = frontDoorWith({ allowedCidrs: ['192.0.2.0/24', '198.51.100.7/32'] });
    expect(rulesOf(door)).toEqual([
      'FrontDoor/SecurityGroup from 192.0.2.0/24: tcp 22',
      'FrontDoor/SecurityGroup from 198.51.100.7/32: tcp 22',
      ...TO_THE_TASKS,
    ]);
  });

  test('is decided by groups that load balancer and tasks really have', () => {
    const { frontDoor } = ingestionWith();
    const stack = Stack.of(frontDoor);
    expect(propertiesOf(frontDoor, LOAD_BALANCER)).toMatchObject({
      SecurityGroups: [stack.resolve(frontDoor.securityGroup.securityGroupId)],
    });
    expect(propertiesOf(frontDoor, 'AWS::ECS::Service')).toMatchObject({
      NetworkConfiguration: {
        AwsvpcConfiguration: { SecurityGroups: [stack.resolve(frontDoor.taskSecurityGroup.securityGroupId)] },
      },
    });
  });
});

describe('the addresses', () => {
  test('are Elastic IPs, one a zone, and all of them those of the load balancer', () => {
    const door = frontDoorWith();
    const stack = Stack.of(door);
    const template = templateOf(door);
    template.resourceCountIs('AWS::EC2::EIP', 2);
    const subnets = Object.keys(template.findResources('AWS::EC2::Subnet'));
    expect(propertiesOf(door, LOAD_BALANCER)).toMatchObject({
      Scheme: 'internet-facing',
      SubnetMappings: door.addresses.map((address, index) => ({
        AllocationId: stack.resolve(address.attrAllocationId),
        SubnetId: { Ref: subnets[index] },
      })),
    });
    expect(propertiesOf(door, LOAD_BALANCER)).not.toHaveProperty('Subnets');
  });

  test('are none, and private ones, when it is internal', () => {
    const door = frontDoorWith({ internal: true }, () => ({ isolated: true }));
    const stack = Stack.of(door);
    expect(door.addresses).toEqual([]);
    templateOf(door).resourceCountIs('AWS::EC2::EIP', 0);
    const { Scheme, Subnets, SubnetMappings } = propertiesOf(door, LOAD_BALANCER);
    const isolated = door.loadBalancer.vpc?.isolatedSubnets ?? [];
    expect(Scheme).toBe('internal');
    expect(SubnetMappings).toBeUndefined();
    expect(Subnets).toEqual(isolated.map(({ subnetId }) => stack.resolve(subnetId)));
    expect(Subnets).toHaveLength(2);
  });

  test('are in the subnets passed in when it is internal, too', () => {
    const door = frontDoorWith({ internal: true }, (stack) => ({
      existingVpc: existingVpc(stack),
      frontSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
    }));
    expect(propertiesOf(door, LOAD_BALANCER)).toMatchObject({
      Subnets: door.loadBalancer.vpc?.privateSubnets.map(({ subnetId }) => subnetId),
    });
  });
});

describe('the load balancer', () => {
  test('listens on port 22, for TCP, and hands on to the tasks', () => {
    const door = frontDoorWith();
    expect(propertiesOf(door, 'AWS::ElasticLoadBalancingV2::Listener')).toMatchObject({
      Port: 22,
      Protocol: 'TCP',
      DefaultActions: [
        { Type: 'forward', TargetGroupArn: Stack.of(door).resolve(door.targetGroup.targetGroupArn) },
      ],
    });
  });

  test('leads from each of its addresses to any task', () => {
    expect(attributesOf(frontDoorWith(), LOAD_BALANCER)).toMatchObject({
      'load_balancing.cross_zone.enabled': 'true',
    });
  });

  test('may be deleted with its stack, unless it is to be protected', () => {
    const protection = (props: SluiceFrontDoorProps) =>
      attributesOf(frontDoorWith(props), LOAD_BALANCER)['deletion_protection.enabled'];
    expect(protection({})).toBe('false');
    expect(protection({ deletionProtection: true })).toBe('true');
  });
});

describe('the tasks behind it', () => {
  test('are told by PROXY protocol v2 whose address a connection is of, and see none but that of the load balancer', () => {
    expect(propertiesOf(frontDoorWith(), TARGET_GROUP)).toMatchObject({
      Port: 2222,
      Protocol: 'TCP',
      TargetType: 'ip',
    });
    expect(attributesOf(frontDoorWith(), TARGET_GROUP)).toMatchObject({
      'proxy_protocol_v2.enabled': 'true',
      'preserve_client_ip.enabled': 'false',
    });
  });

  test('are asked every 10 seconds whether they are ready, and two answers count', () => {
    expect(propertiesOf(frontDoorWith(), TARGET_GROUP)).toMatchObject({
      HealthCheckProtocol: 'HTTP',
      HealthCheckPort: '8080',
      HealthCheckPath: '/readyz',
      HealthCheckIntervalSeconds: 10,
      HealthyThresholdCount: 2,
      UnhealthyThresholdCount: 2,
    });
  });

  test('have five minutes for their uploads when they are to go, and keep their connections, healthy or not', () => {
    expect(attributesOf(frontDoorWith(), TARGET_GROUP)).toMatchObject({
      'deregistration_delay.timeout_seconds': '300',
      'deregistration_delay.connection_termination.enabled': 'false',
      'target_health_state.unhealthy.connection_termination.enabled': 'false',
    });
  });
});

describe('allowed networks', () => {
  test('are refused when there are none', () => {
    expect(() => frontDoorWith({ allowedCidrs: [] })).toThrow(
      'Test/FrontDoor: invalid props\n  - allowedCidrs must not be empty: nobody could connect',
    );
  });

  test('are refused when they are no CIDRs of IPv4, all in one error', () => {
    const allowedCidrs = [
      '192.0.2.0/24',
      '192.0.2.1',
      '2001:db8::/32',
      '192.0.2.0/33',
      '300.0.2.0/24',
      'acme',
    ];
    expect(() => frontDoorWith({ allowedCidrs })).toThrow(
      `Test/FrontDoor: invalid props\n${allowedCidrs
        .slice(1)
        .map((cidr) => `  - allowedCidrs: "${cidr}" is no CIDR of IPv4, such as 192.0.2.0/24`)
        .join('\n')}`,
    );
  });

  test('may be known by the deployment alone', () => {
    const stack = new Stack(flaggedApp(), 'Test');
    const office = new CfnParameter(stack, 'Office').valueAsString;
    const door = frontDoorWith({ allowedCidrs: [office] }, () => ({}), stack);
    expect(rulesOf(door)).toContain('FrontDoor/SecurityGroup from <Office>: tcp 22');
  });
});
