import { CfnElement, Stack } from 'aws-cdk-lib';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import { templateOf } from './appliance.ts';

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

interface Rule {
  readonly IpProtocol: string;
  readonly FromPort?: number;
  readonly ToPort?: number;
  readonly GroupId?: unknown;
  readonly CidrIp?: unknown;
  readonly SourceSecurityGroupId?: unknown;
  readonly DestinationSecurityGroupId?: unknown;
}

/** A value of a template as a line, in which resources have the paths of their constructs: `<Storage/Bucket.Arn>/*`. */
export function toLine(stack: Stack, value: unknown): string {
  if (typeof value !== 'object' || value === null) return `${value}`;
  const { Ref: ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = value as Record<string, unknown>;
  if (typeof ref === 'string') return `<${pathOf(stack, ref)}>`;
  if (Array.isArray(attribute)) return `<${pathOf(stack, attribute[0])}.${attribute[1]}>`;
  if (!Array.isArray(join)) return JSON.stringify(value);
  return (join[1] as unknown[]).map((part) => toLine(stack, part)).join(join[0]);
}

function pathOf(stack: Stack, logicalId: string): string {
  const element = stack.node
    .findAll()
    .find((node) => CfnElement.isCfnElement(node) && stack.resolve(node.logicalId) === logicalId);
  if (element === undefined) return logicalId;
  return element.node.path.replace(/^Test\/(Sluice\/)?/, '').replace(/\/Resource$/, '');
}

/** What a role is allowed, one action on one resource a line, with the condition if there is one; sorted. */
export function grantsOf(role: IRole): string[] {
  const stack = Stack.of(role);
  const roleId = stack.resolve(role.roleName);
  const policies = Object.values(templateOf(role).findResources('AWS::IAM::Policy')).filter(
    ({ Properties }) => JSON.stringify(Properties.Roles).includes(JSON.stringify(roleId)),
  );
  const statements = policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement as Statement[]);
  const lines = statements.flatMap(({ Effect, Action, Resource, Condition }) =>
    [Action].flat().flatMap((action) =>
      [Resource].flat().map((resource) => {
        const condition = Condition === undefined ? '' : ` if ${JSON.stringify(Condition)}`;
        return `${Effect === 'Allow' ? '' : `${Effect} `}${action} ${toLine(stack, resource)}${condition}`;
      }),
    ),
  );
  return [...new Set(lines)].sort();
}

/** Every rule of every security group, wherever it stands in the template: `FrontDoor/SecurityGroup from 0.0.0.0/0: tcp 22`; sorted. */
export function rulesOf(construct: IConstruct): string[] {
  const stack = Stack.of(construct);
  const template = templateOf(construct);
  const rules: string[] = [];
  const add = (group: string, direction: 'from' | 'to', rule: Rule) => {
    const peer = rule.CidrIp ?? rule.SourceSecurityGroupId ?? rule.DestinationSecurityGroupId;
    const ports = rule.FromPort === rule.ToPort ? rule.FromPort : `${rule.FromPort}-${rule.ToPort}`;
    const what = rule.IpProtocol === '-1' ? 'anything' : `${rule.IpProtocol} ${ports}`;
    // The library lets nobody out by a rule that nobody can use.
    if (peer !== '255.255.255.255/32') rules.push(`${group} ${direction} ${toLine(stack, peer)}: ${what}`);
  };
  for (const [id, { Properties }] of Object.entries(template.findResources('AWS::EC2::SecurityGroup'))) {
    for (const rule of Properties.SecurityGroupIngress ?? []) add(pathOf(stack, id), 'from', rule);
    for (const rule of Properties.SecurityGroupEgress ?? []) add(pathOf(stack, id), 'to', rule);
  }
  for (const [type, direction] of [
    ['AWS::EC2::SecurityGroupIngress', 'from'],
    ['AWS::EC2::SecurityGroupEgress', 'to'],
  ] as const) {
    for (const { Properties } of Object.values(template.findResources(type))) {
      add(toLine(stack, Properties.GroupId).replace(/^<(.*)\.GroupId>$/, '$1'), direction, Properties);
    }
  }
  return rules.sort();
}
