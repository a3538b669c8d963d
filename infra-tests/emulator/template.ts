import { App, DefaultStackSynthesizer, type IStackSynthesizer } from 'aws-cdk-lib';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { SluiceStack } from '../../cdk/stack.ts';

/** A CloudFormation template, as far as it is looked at here. */
export interface Template {
  readonly Resources: Record<string, Resource>;
  readonly Outputs: Record<string, { readonly Value: unknown }>;
}

interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DependsOn?: string | readonly string[];
}

/** The template that `cdk deploy -c image=...` would deploy into an account that was never bootstrapped. */
export function synthesize(stackName: string): Template {
  const app = new App();
  new SluiceStack(app, stackName, {
    synthesizer: new DefaultStackSynthesizer({
      generateBootstrapVersionRule: false,
    }) as IStackSynthesizer,
    service: { image: ContainerImage.fromRegistry('sluice') },
  });
  return app.synth().getStackByName(stackName).template as Template;
}

/** Names in the template of what is made by hand, with what takes its place. */
export interface Stead {
  /** By logical id, what `Ref` of it gives. */
  readonly refs: ReadonlyMap<string, unknown>;
  /** By logical id and attribute (`Id.Attribute`), what `Fn::GetAtt` of it gives. */
  readonly attributes: ReadonlyMap<string, unknown>;
}

/** The template without these resources, and with their values wherever they were named. */
export function withInStead({ Resources, Outputs }: Template, stead: Stead): Template {
  const isKept = (id: unknown) => !stead.refs.has(id as string);
  const replace = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(replace);
    if (typeof value !== 'object' || value === null) return value;
    const { Ref, 'Fn::GetAtt': attribute } = value as { Ref?: string; 'Fn::GetAtt'?: readonly string[] };
    if (Ref !== undefined && stead.refs.has(Ref)) return stead.refs.get(Ref);
    const named = attribute?.join('.') ?? '';
    if (stead.attributes.has(named)) return stead.attributes.get(named);
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, replace(each)]));
  };
  const resources = Object.entries(Resources)
    .filter(([id]) => isKept(id))
    .map(([id, resource]) => {
      const dependencies = [resource.DependsOn ?? []].flat().filter(isKept);
      return [
        id,
        { ...resource, DependsOn: dependencies, Properties: replace(resource.Properties) },
      ] as const;
    });
  return {
    Resources: Object.fromEntries(resources) as Template['Resources'],
    Outputs: replace(Outputs) as Template['Outputs'],
  };
}

/** What a resource is made by. */
export function propertiesOf<T>(template: Template, id: string): T {
  const resource = template.Resources[id];
  if (resource === undefined) throw new Error(`the template has no ${id}`);
  return resource.Properties as T;
}

/** The logical ids of a type. */
export function idsOf(template: Template, type: string): string[] {
  return Object.entries(template.Resources).flatMap(([id, { Type }]) => (Type === type ? [id] : []));
}
