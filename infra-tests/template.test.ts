import { Template } from 'aws-cdk-lib/assertions';
import { expect, test, vi } from 'vitest';
import { SluiceStack } from '../cdk/stack.ts';
import { flaggedApp } from './support/appliance.ts';

// The image's files are all looked at, for its hash.
vi.setConfig({ testTimeout: 60_000 });

/** What has its source elsewhere, and tests there: here it would only make the file long. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['DashboardBody', 'observability/cloudwatch-dashboard.json'],
  ['ZipFile', 'cdk/host-keys-function.js'],
  ['SLUICE_COLLECTOR_CONFIG_1', 'observability/collector.yaml'],
  ['SLUICE_COLLECTOR_CONFIG_2', 'observability/collector-aws.yaml'],
]);

/** Without what changes with every change of the source: hashes of assets, and texts that are taken from other files. */
function settled(name: string, value: unknown): unknown {
  if (typeof value === 'string') {
    const source = ELSEWHERE.get(name);
    return source === undefined ? value.replace(/[0-9a-f]{64}/g, '<hash>') : `<${source}>`;
  }
  const { Name, Value } = (value ?? {}) as { Name?: unknown; Value?: unknown };
  const source = ELSEWHERE.get(`${Name}`);
  return source === undefined || Value === undefined ? value : { Name, Value: `<${source}>` };
}

test('the template of the stack is the one that was looked at last', async () => {
  const template = Template.fromStack(new SluiceStack(flaggedApp(), 'Sluice'));
  const text = `${JSON.stringify(template.toJSON(), settled, 2)}\n`;
  for (const source of ELSEWHERE.values()) expect(text).toContain(`"<${source}>"`);
  await expect(text).toMatchFileSnapshot('__snapshots__/sluice.template.snap');
});
