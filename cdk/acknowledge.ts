import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Says why what a rule finds at a construct, or below it, is meant to be so. The ids are those of the library's own checks
 * (`CloudFormation-Validate::...`) and of cdk-nag (`AwsSolutions-...`), for those who let that look over their stacks.
 */
export function acknowledge(construct: IConstruct, reasons: Readonly<Record<string, string>>): void {
  Validations.of(construct).acknowledge(...Object.entries(reasons).map(([id, reason]) => ({ id, reason })));
}

/** The id of cdk-nag's finding that a policy names a resource with a wildcard. */
export function wildcardIn(scope: IConstruct, arn: string): string {
  return `AwsSolutions-IAM5[Resource::${flatten(Stack.of(scope).resolve(arn))}]`;
}

/** References as cdk-nag writes them: `<Bucket.Arn>/*`. */
function flatten(value: string | Readonly<Record<string, unknown>>): string {
  if (typeof value === 'string') return value;
  const { Ref: ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = value;
  if (Array.isArray(attribute)) return `<${attribute.join('.')}>`;
  if (!Array.isArray(join)) return `<${ref}>`;
  const [delimiter, parts] = join as [string, string[]];
  return parts.map(flatten).join(delimiter);
}
