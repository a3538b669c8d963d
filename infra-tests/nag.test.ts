import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type App, type Stack, Validations } from 'aws-cdk-lib';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Key } from 'aws-cdk-lib/aws-kms';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { describe, expect, test, vi } from 'vitest';
import type { SftpIngestionProps } from '../cdk/ingestion.ts';
import { existingVpc, ingestionWith, KEY_ARN } from './support/appliance.ts';

vi.setConfig({ testTimeout: 60_000 });

/** Deployments that differ in what there is to be found. */
const DEPLOYMENTS: Readonly<Record<string, (stack: Stack) => SftpIngestionProps>> = {
  'as it comes': () => ({}),
  'isolated and internal, without collector, its image in ECR': (stack) => ({
    service: {
      image: ContainerImage.fromEcrRepository(Repository.fromRepositoryName(stack, 'Images', 'sluice')),
    },
    network: { isolated: true },
    frontDoor: { internal: true, allowedCidrs: ['10.0.0.0/8'] },
    observability: { collector: false },
  }),
  'with keys of KMS, prefixes and an existing VPC': (stack) => {
    const encryptionKey = Key.fromKeyArn(stack, 'Key', KEY_ARN);
    return {
      storage: { encryptionKey, versioned: true },
      jobs: { encryptionKey, fifo: true },
      credentials: { encryptionKey },
      network: { existingVpc: existingVpc(stack) },
      keyPrefix: 'session:prefix',
      allowedKeyPrefixes: ['tenants/', 'partners/'],
      assumeRole: true,
    };
  },
};

interface Finding {
  readonly path: string;
  readonly id: string;
}

const show = ({ path, id }: Finding) => `${path}: ${id}`;

/** What cdk-nag finds; all of it, if acknowledgements are not to count. */
function findingsIn(
  root: IConstruct,
  { acknowledgementsCount }: { acknowledgementsCount: boolean },
): Finding[] {
  const checks = new AwsSolutionsChecks();
  if (!acknowledgementsCount) Object.defineProperty(checks, 'isAcknowledged', { value: () => false });
  return checks
    .validateScope(root)
    .violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath }) => ({ path: constructPath ?? '', id: ruleName })),
    );
}

/** What the constructs say is meant to be so, each where they say it, with the reason. */
function acknowledgementsIn(root: IConstruct): (Finding & { reason: string })[] {
  return root.node.findAll().flatMap(({ node }) =>
    node.metadata
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) =>
        Object.entries(data as Record<string, string>).map(([id, reason]) => ({
          path: node.path,
          id: id.replace(/^Annotation::/, ''),
          reason,
        })),
      ),
  );
}

const rootOf = (propsOf: (stack: Stack) => SftpIngestionProps) => ingestionWith(propsOf).node.root;

describe('cdk-nag', () => {
  for (const [name, propsOf] of Object.entries(DEPLOYMENTS)) {
    test(`finds nothing in the appliance ${name} that is not meant to be so`, () => {
      const root = rootOf(propsOf);
      expect(findingsIn(root, { acknowledgementsCount: false }).length).toBeGreaterThan(3);
      expect(findingsIn(root, { acknowledgementsCount: true }).map(show)).toEqual([]);
    });
  }

  test('finds everything that is said to be meant so: no acknowledgement is left over', () => {
    const roots = Object.values(DEPLOYMENTS).map(rootOf);
    const found = roots.flatMap((root) => findingsIn(root, { acknowledgementsCount: false }));
    const unused = roots
      .flatMap(acknowledgementsIn)
      .filter(({ id }) => id.startsWith('AwsSolutions-'))
      .filter(
        ({ path, id }) =>
          !found.some((finding) => finding.id === id && `${finding.path}/`.startsWith(`${path}/`)),
      );
    expect(unused.map(show)).toEqual([]);
  });

  test('is told a reason for each, in a sentence', () => {
    const ours = acknowledgementsIn(rootOf(() => ({}))).filter(({ id }) => id.startsWith('AwsSolutions-'));
    expect(ours.length).toBeGreaterThan(10);
    for (const { reason } of ours) expect(reason).toMatch(/^[A-Z].{20,}\.$/);
  });
});

describe("the library's own checks", () => {
  /** What `cdk synth` warns of, or fails by. */
  function violationsIn(propsOf: (stack: Stack) => SftpIngestionProps): string[] {
    const { directory } = (rootOf(propsOf) as App).synth();
    const { pluginReports } = JSON.parse(readFileSync(join(directory, 'validation-report.json'), 'utf8')) as {
      pluginReports: { violations: { ruleName: string; description: string }[] }[];
    };
    return pluginReports
      .flatMap(({ violations }) => violations)
      .map(({ ruleName, description }) => `${ruleName} ${description}`);
  }

  test('find nothing in the appliance, however it is deployed', () => {
    for (const propsOf of Object.values(DEPLOYMENTS)) expect(violationsIn(propsOf)).toEqual([]);
  });

  test('still warn of port 22 for all the world where somebody says so', () => {
    const warnings = violationsIn(() => ({ frontDoor: { allowedCidrs: ['0.0.0.0/0'] } }));
    expect(warnings).toEqual([expect.stringMatching(/^W2508 .*0\.0\.0\.0\/0 access to sensitive port 22/)]);
  });
});
