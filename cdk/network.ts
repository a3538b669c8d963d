import { Stack, Token } from 'aws-cdk-lib';
import {
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  type IVpc,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { conflictFaults, refuseFaults, wholeNumberFaults } from './faults.ts';

const DEFAULT_CIDR = '10.73.0.0/16';
/** S3 and SQS keep data in three zones; one of them alone is no place for a front door. */
const MIN_ZONES = 2;
const MAX_ZONES = 6;

/** What tasks without a way to the internet need besides S3: their image, their secrets, their queue, their logs. */
const NEEDED_WHEN_ISOLATED = {
  Sqs: InterfaceVpcEndpointAwsService.SQS,
  SecretsManager: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
  Logs: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
  XRay: InterfaceVpcEndpointAwsService.XRAY,
  Ecr: InterfaceVpcEndpointAwsService.ECR,
  EcrDocker: InterfaceVpcEndpointAwsService.ECR_DOCKER,
} as const;

export interface SluiceNetworkProps {
  /**
   * A VPC to use as it is. It needs public subnets for an internet-facing load balancer, and a way from the tasks' subnets to
   * S3, SQS, Secrets Manager and the image. Beside it only `frontSubnets` and `taskSubnets` may be given.
   *
   * @default - a new VPC with public subnets in two zones, no NAT, and a gateway endpoint for S3 (which costs nothing)
   */
  readonly existingVpc?: IVpc;

  /**
   * Where the load balancer has its addresses; an error without `existingVpc`.
   *
   * @default - the public subnets; for an internal load balancer those of the tasks
   */
  readonly frontSubnets?: SubnetSelection;

  /**
   * Where the tasks run; an error without `existingVpc`.
   *
   * @default - the public subnets
   */
  readonly taskSubnets?: SubnetSelection;

  /**
   * Addresses of the new VPC.
   *
   * @default '10.73.0.0/16'
   */
  readonly cidr?: string;

  /**
   * Availability zones of the new VPC. A stack that names no account and region knows of two, so more are an error there.
   *
   * @default 2
   */
  readonly zones?: number;

  /**
   * Runs the tasks of the new VPC in subnets without a way to the internet. Interface endpoints for SQS, Secrets Manager,
   * CloudWatch Logs, X-Ray and ECR come with it, at about 7 USD a month each and zone: they pay where rules
   * demand it, not by themselves. The images have to be in ECR then.
   *
   * @default false - tasks have public addresses, and security groups that let nothing in but the load balancer
   */
  readonly isolated?: boolean;
}

/** The VPC, its endpoints, and which of its subnets are for what. */
export class SluiceNetwork extends Construct {
  /** The new VPC, or the one passed in. */
  readonly vpc: IVpc;

  /** Where the tasks run. */
  readonly taskSubnets: SubnetSelection;

  /** Whether tasks get addresses of their own in the internet, to reach S3, SQS and the image by. */
  readonly assignPublicIp: boolean;

  readonly #frontSubnets: SubnetSelection | undefined;

  constructor(scope: Construct, id: string, props: SluiceNetworkProps = {}) {
    super(scope, id);
    refuseFaults(this, networkFaults(Stack.of(this), props));
    this.vpc = props.existingVpc ?? createVpc(this, props);
    this.#frontSubnets = props.frontSubnets;
    this.taskSubnets = props.taskSubnets ?? {
      subnetType: props.isolated ? SubnetType.PRIVATE_ISOLATED : SubnetType.PUBLIC,
    };
    this.assignPublicIp = this.vpc
      .selectSubnets(this.taskSubnets)
      .subnets.every((subnet) => this.vpc.publicSubnets.includes(subnet));
  }

  /** Where a load balancer has its addresses, in the internet or internal ones. */
  frontSubnets(isInternal: boolean): SubnetSelection {
    return this.#frontSubnets ?? (isInternal ? this.taskSubnets : { subnetType: SubnetType.PUBLIC });
  }
}

function networkFaults(stack: Stack, props: SluiceNetworkProps): string[] {
  const { existingVpc, frontSubnets, taskSubnets, ...creation } = props;
  const faults = wholeNumberFaults('zones', creation.zones, MIN_ZONES, MAX_ZONES);
  if (existingVpc) return [...faults, ...conflictFaults('existingVpc', creation)];
  for (const [name, value] of Object.entries({ frontSubnets, taskSubnets })) {
    if (value !== undefined) faults.push(`${name} needs existingVpc; a new VPC has its own`);
  }
  // It would get fewer without a word.
  const known = stack.availabilityZones.length;
  if (Token.isUnresolved(stack.region) && (creation.zones ?? MIN_ZONES) > known) {
    faults.push(
      `zones: a stack without account and region knows of ${known}; give it env, or leave out zones`,
    );
  }
  return faults;
}

function createVpc(scope: Construct, { cidr = DEFAULT_CIDR, zones, isolated }: SluiceNetworkProps): IVpc {
  const vpc = new Vpc(scope, 'Vpc', {
    ipAddresses: IpAddresses.cidr(cidr),
    maxAzs: zones ?? MIN_ZONES,
    natGateways: 0,
    // The default group is used by nothing; to empty it would take a function with rights over every group.
    restrictDefaultSecurityGroup: false,
    subnetConfiguration: [
      { name: 'Public', subnetType: SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
      ...(isolated
        ? [{ name: 'Isolated', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 24 } as const]
        : []),
    ],
    gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
  });
  acknowledge(vpc, {
    'AwsSolutions-VPC7':
      'The service logs each connection with its address; flow logs cost by the byte and are the choice of the account.',
  });
  if (isolated) {
    for (const [id, service] of Object.entries(NEEDED_WHEN_ISOLATED)) {
      const endpoint = vpc.addInterfaceEndpoint(id, {
        service,
        subnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      });
      acknowledge(endpoint, {
        'AwsSolutions-EC23':
          'It lets in addresses of the VPC alone, which the rule cannot see: its CIDR is a reference.',
      });
    }
  }
  // The library's classes differ from its interfaces in what may be undefined.
  return vpc as IVpc;
}
