import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
  ListStackResourcesCommand,
} from '@aws-sdk/client-cloudformation';
import { DescribeTaskDefinitionCommand, ECSClient } from '@aws-sdk/client-ecs';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { runCustomResource } from './host-keys.ts';
import { idsOf, propertiesOf, type Stead, synthesize, type Template, withInStead } from './template.ts';

export interface Deployed {
  readonly status: string;
  readonly outputs: ReadonlyMap<string, string>;
  /** Resources of each type that CloudFormation says it has made. */
  readonly made: ReadonlyMap<string, number>;
  /** Of each type, how many are in the template and were not made. */
  readonly unknown: ReadonlyMap<string, number>;
  /** Of the service's container, as ECS has it. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the emulator cannot do and was done in its stead, one sentence each. */
  readonly inItsStead: readonly string[];
}

export interface DeployOptions {
  readonly stackName: string;
  /** The users document. */
  readonly users: string;
}

/** Has an emulator of CloudFormation deploy the stack; what it cannot do is done by hand, and told. */
export async function deploy({ stackName, users }: DeployOptions): Promise<Deployed> {
  const template = synthesize(stackName);
  const inItsStead: string[] = [];
  const secrets = await makeSecrets(template, stackName, users, inItsStead);
  const adapted = withInStead(template, leaveOutLoadBalancer(template, secrets, inItsStead));

  const cloudFormation = new CloudFormationClient();
  const TemplateBody = JSON.stringify(adapted);
  await cloudFormation.send(
    new CreateStackCommand({ StackName: stackName, TemplateBody, Capabilities: ['CAPABILITY_IAM'] }),
  );
  const described = await cloudFormation.send(new DescribeStacksCommand({ StackName: stackName }));
  const stack = described.Stacks?.[0];
  const { StackResourceSummaries: summaries = [] } = await cloudFormation.send(
    new ListStackResourcesCommand({ StackName: stackName }),
  );
  // What it does not know it lists without a type.
  const made = countOf(summaries.flatMap(({ ResourceType }) => ResourceType || []));
  const wanted = countOf(Object.values(adapted.Resources).map(({ Type }) => Type));
  const task = summaries.find(({ ResourceType }) => ResourceType === 'AWS::ECS::TaskDefinition');
  return {
    status: stack?.StackStatus ?? 'unknown',
    outputs: new Map(
      (stack?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
    ),
    made,
    unknown: new Map([...wanted].filter(([type]) => !made.has(type))),
    environment: await environmentOf(task?.PhysicalResourceId as string),
    inItsStead,
  };
}

function countOf(types: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const type of types) counts.set(type, (counts.get(type) ?? 0) + 1);
  return counts;
}

async function makeSecrets(
  template: Template,
  stackName: string,
  users: string,
  inItsStead: string[],
): Promise<Stead> {
  const secrets = new SecretsManagerClient();
  const refs = new Map<string, unknown>();
  for (const id of idsOf(template, 'AWS::SecretsManager::Secret')) {
    const { SecretString: initial } = propertiesOf<{ SecretString: string }>(template, id);
    const SecretString = initial === '{"users":[]}' ? users : initial;
    const { ARN } = await secrets.send(new CreateSecretCommand({ Name: `${stackName}-${id}`, SecretString }));
    refs.set(id, ARN);
  }
  inItsStead.push('AWS::SecretsManager::Secret: both secrets made by the API, the users with one user in it');
  const [custom = ''] = idsOf(template, 'Custom::SluiceHostKeys');
  const { SecretId } = propertiesOf<{ SecretId: { Ref: string } }>(template, custom);
  const [maker = ''] = idsOf(template, 'AWS::Lambda::Function');
  const { Code } = propertiesOf<{ Code: { ZipFile: string } }>(template, maker);
  const {
    Status,
    Reason,
    Data = {},
  } = await runCustomResource(Code.ZipFile, { SecretId: refs.get(SecretId.Ref) });
  if (Status !== 'SUCCESS') throw new Error(`the function that makes host keys failed: ${Reason}`);
  inItsStead.push(
    'Custom::SluiceHostKeys: without Docker it runs no functions; its code, out of the template, ran here',
  );
  refs.set(custom, custom);
  return { refs, attributes: new Map([[`${custom}.Fingerprints`, Data['Fingerprints']]]) };
}

/** Its load balancers of CloudFormation are all for HTTP. */
function leaveOutLoadBalancer(template: Template, { refs, attributes }: Stead, inItsStead: string[]): Stead {
  const [balancer = ''] = idsOf(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer');
  const listeners = idsOf(template, 'AWS::ElasticLoadBalancingV2::Listener');
  inItsStead.push(
    'AWS::ElasticLoadBalancingV2: no network load balancer and no listener; the client connects by itself',
  );
  return {
    refs: new Map([...refs, ...[balancer, ...listeners].map((id) => [id, id] as const)]),
    attributes: new Map([...attributes, [`${balancer}.DNSName`, 'localhost']]),
  };
}

async function environmentOf(taskDefinition: string): Promise<Record<string, string>> {
  const described = await new ECSClient().send(new DescribeTaskDefinitionCommand({ taskDefinition }));
  const containers = described.taskDefinition?.containerDefinitions ?? [];
  const service = containers.find(({ name }) => name === 'sluice');
  return Object.fromEntries((service?.environment ?? []).map(({ name = '', value = '' }) => [name, value]));
}
