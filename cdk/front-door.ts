import { isIPv4 } from 'node:net';
import { Duration, Token } from 'aws-cdk-lib';
import { CfnEIP, type ISecurityGroup, Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  NetworkLoadBalancer,
  NetworkTargetGroup,
  Protocol,
  TargetType,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { refuseFaults } from './faults.ts';
import type { SluiceNetwork } from './network.ts';

/** Where partners expect SFTP. */
const SSH_PORT = 22;

/** Seconds between two looks at a task, and how many of them count. */
const HEALTH_INTERVAL_SECONDS = 10;
const HEALTH_COUNT = 2;

/** Time for uploads in which nothing new comes, and for the load balancer to notice that nothing should. */
const DEREGISTRATION_SECONDS = 300;

export interface SluiceFrontDoorProps {
  /**
   * Whether the load balancer can be reached from the VPC and what is connected with it alone.
   *
   * @default false - internet-facing, with an Elastic IP in each zone
   */
  readonly internal?: boolean;

  /**
   * Where partners may connect from, as CIDRs of IPv4.
   *
   * @default ['0.0.0.0/0']
   */
  readonly allowedCidrs?: readonly string[];

  /**
   * Whether the load balancer must be unprotected before it can be deleted: partners have its addresses in their firewalls.
   *
   * @default false
   */
  readonly deletionProtection?: boolean;
}

export interface SluiceFrontDoorSite extends SluiceFrontDoorProps {
  readonly network: SluiceNetwork;
  /** The port of the tasks that speaks SFTP. */
  readonly taskPort: number;
  /** The port of the tasks that answers `/readyz`. */
  readonly healthPort: number;
}

/** What partners connect to: a network load balancer on port 22 with addresses that stay, and the tasks behind it. */
export class SluiceFrontDoor extends Construct {
  readonly loadBalancer: NetworkLoadBalancer;
  readonly targetGroup: NetworkTargetGroup;

  /** Of the load balancer: lets partners in. */
  readonly securityGroup: ISecurityGroup;

  /** Of the tasks: lets nothing in but the load balancer. */
  readonly taskSecurityGroup: SecurityGroup;

  /** The addresses for partners' firewalls, one a zone; none when it is internal. */
  readonly addresses: readonly CfnEIP[];

  constructor(scope: Construct, id: string, props: SluiceFrontDoorSite) {
    super(scope, id);
    const { network, taskPort, healthPort } = props;
    const { vpc } = network;
    const isInternal = props.internal ?? false;
    const allowed = props.allowedCidrs ?? ['0.0.0.0/0'];
    refuseFaults(this, cidrFaults(allowed));

    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'Sluice: partners to the load balancer',
      allowAllOutbound: false,
    });
    for (const cidr of allowed) {
      securityGroup.addIngressRule(Peer.ipv4(cidr), Port.tcp(SSH_PORT), 'SFTP from partners');
    }
    if (props.allowedCidrs === undefined) {
      const reason =
        'Partners connect from anywhere unless allowedCidrs says from where: that is what it is for.';
      acknowledge(securityGroup, { 'CloudFormation-Validate::W2508': reason, 'AwsSolutions-EC23': reason });
    }
    this.taskSecurityGroup = new SecurityGroup(this, 'TaskSecurityGroup', {
      vpc,
      description: 'Sluice: the load balancer to the tasks',
      // S3, SQS, Secrets Manager, the image: by names, whose addresses change.
      allowAllOutbound: true,
    });
    for (const [port, what] of [
      [taskPort, 'SFTP'],
      [healthPort, 'Health checks'],
    ] as const) {
      this.taskSecurityGroup.addIngressRule(securityGroup, Port.tcp(port), `${what} from the load balancer`);
      securityGroup.addEgressRule(this.taskSecurityGroup, Port.tcp(port), `${what} to the tasks`);
    }
    this.securityGroup = securityGroup;

    const { subnets } = vpc.selectSubnets(network.frontSubnets(isInternal));
    this.addresses = isInternal ? [] : subnets.map((_, index) => new CfnEIP(this, `Address${index + 1}`));
    this.loadBalancer = new NetworkLoadBalancer(this, 'LoadBalancer', {
      vpc,
      internetFacing: !isInternal,
      securityGroups: [securityGroup],
      // Partners connect to addresses, not to names: each must lead to a task, wherever that runs.
      crossZoneEnabled: true,
      deletionProtection: props.deletionProtection ?? false,
      ...(isInternal
        ? { vpcSubnets: { subnets } }
        : {
            subnetMappings: subnets.map((subnet, index) => ({
              subnet,
              allocationId: this.addresses[index]?.attrAllocationId as string,
            })),
          }),
    });
    acknowledge(this.loadBalancer, {
      'AwsSolutions-ELB2': 'Load balancers of this kind log TLS connections alone; SSH is none.',
    });
    this.targetGroup = new NetworkTargetGroup(this, 'Tasks', {
      vpc,
      port: taskPort,
      protocol: Protocol.TCP,
      targetType: TargetType.IP,
      // Whose address a connection is of, told in its first bytes: security groups need not know partners.
      proxyProtocolV2: true,
      preserveClientIp: false,
      // ECS stops a task after that. It gets no new connections meanwhile, and keeps those that it has.
      deregistrationDelay: Duration.seconds(DEREGISTRATION_SECONDS),
      connectionTermination: false,
      healthCheck: {
        protocol: Protocol.HTTP,
        port: String(healthPort),
        path: '/readyz',
        interval: Duration.seconds(HEALTH_INTERVAL_SECONDS),
        healthyThresholdCount: HEALTH_COUNT,
        unhealthyThresholdCount: HEALTH_COUNT,
      },
    });
    // A task that fails its health checks takes nothing new; what it is taking may be finished.
    this.targetGroup.setAttribute('target_health_state.unhealthy.connection_termination.enabled', 'false');
    this.loadBalancer.addListener('Sftp', {
      port: SSH_PORT,
      protocol: Protocol.TCP,
      defaultTargetGroups: [this.targetGroup],
    });
  }
}

function cidrFaults(cidrs: readonly string[]): string[] {
  const wrong = cidrs.filter((cidr) => !Token.isUnresolved(cidr) && !isCidr(cidr));
  const faults = wrong.map((cidr) => `allowedCidrs: "${cidr}" is no CIDR of IPv4, such as 192.0.2.0/24`);
  return cidrs.length === 0 ? ['allowedCidrs must not be empty: nobody could connect'] : faults;
}

function isCidr(text: string): boolean {
  const [, address = '', bits] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  return isIPv4(address) && Number(bits) <= 32;
}
