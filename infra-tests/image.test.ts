import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { containerCheck } from '../cdk/container-check.ts';
import { SluiceStack } from '../cdk/stack.ts';

const read = (name: string) => readFileSync(join(import.meta.dirname, '..', name), 'utf8');
const linesOf = (text: string) =>
  text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));

interface Instruction {
  readonly word: string;
  readonly rest: string;
}

/** The stages of the Dockerfile, each with its instructions, by name. */
function readStages(): ReadonlyMap<string, readonly Instruction[]> {
  const stages = new Map<string, Instruction[]>();
  let stage: Instruction[] = [];
  for (const line of linesOf(linesOf(read('Dockerfile')).join('\n').replaceAll('\\\n', ' '))) {
    const [, word = '', rest = ''] = /^(\w+) +(.*)$/.exec(line) ?? [];
    if (word === 'FROM') {
      stage = [];
      stages.set(/ AS (\S+)$/.exec(rest)?.[1] ?? '', stage);
    } else stage.push({ word, rest });
  }
  return stages;
}

interface Container {
  readonly Name: string;
  readonly User: string;
  readonly MountPoints: readonly { readonly ContainerPath: string }[];
  readonly PortMappings: readonly { readonly ContainerPort: number }[];
}

/** The container of the service, as the stack defines it. */
function containerOfTask(): Container {
  const template = Template.fromStack(new SluiceStack(new App(), 'Sluice'));
  const [task] = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
  const containers = task?.['Properties'].ContainerDefinitions as readonly Container[];
  const found = containers.find(({ Name }) => Name === 'sluice');
  if (found === undefined) throw new Error('the task has no container of the name sluice');
  return found;
}

let container: Container;
beforeAll(() => {
  container = containerOfTask();
});

const stages = readStages();
const service = stages.get('service') ?? [];
const rests = (word: string) =>
  service.filter((instruction) => instruction.word === word).map(({ rest }) => rest);

describe('the image of the service', () => {
  test("declares the task's volume, after its folder has been given to the user of the task", () => {
    const { MountPoints, User } = container;
    const folders = MountPoints.map(({ ContainerPath }) => ContainerPath);
    // Of the official images of Node: `node` is 1000:1000.
    expect([rests('USER'), User]).toEqual([['node'], '1000:1000']);
    expect(rests('VOLUME').map((rest) => JSON.parse(rest))).toEqual([folders]);
    const owned = service.findIndex(({ rest }) => rest === `install -d -o node -g node ${folders[0]}`);
    expect(owned).toBeGreaterThan(-1);
    expect(owned).toBeLessThan(service.findIndex(({ word }) => word === 'VOLUME'));
  });

  test('exposes the ports that the task has', () => {
    const ports = container.PortMappings.map(({ ContainerPort }) => String(ContainerPort));
    expect(rests('EXPOSE').flatMap((rest) => rest.split(' '))).toEqual(ports);
  });

  test('asks itself what the task asks it', () => {
    const [, command = '[]'] = /CMD (\[.*\])$/.exec(rests('HEALTHCHECK')[0] ?? '') ?? [];
    const port = 8080;
    const asked = (JSON.parse(command) as string[]).map((part) =>
      part.replace(`\${SLUICE_HEALTH_PORT:-${port}}`, String(port)),
    );
    expect(asked).toEqual(containerCheck(port));
  });

  test('starts Node as `npm start` does', () => {
    const { scripts } = JSON.parse(read('package.json')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const [, ...flags] = JSON.parse(rests('ENTRYPOINT')[0] ?? '[]') as string[];
    expect(flags).toContain('dist/main.js');
    for (const name of ['start', 'sluice']) expect(scripts[name]).toContain(`node ${flags.join(' ')}`);
  });

  test('leaves host keys and users to whoever runs it, from folder, file or secret', () => {
    expect(rests('ENV').join(' ')).not.toMatch(/HOST_KEYS|USERS/);
  });
});

test('.dockerignore lets in what the Dockerfile copies, and nothing else', () => {
  const copied = [...stages.values()]
    .flat()
    .filter(({ word, rest }) => word === 'COPY' && !rest.startsWith('--from='))
    .flatMap(({ rest }) => rest.split(' ').slice(0, -1));
  const letIn = linesOf(read('.dockerignore'))
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  const isBelow = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);
  expect(copied.filter((path) => !letIn.some((folder) => isBelow(path, folder)))).toEqual([]);
  expect(letIn.filter((path) => !copied.includes(path))).toEqual([]);
});
