import { readFileSync } from 'node:fs';
import { Stack } from 'aws-cdk-lib';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import type { SftpIngestion } from '../cdk/ingestion.ts';
import { ingestionWith, propertiesOf, templateOf } from './support/appliance.ts';

// The library checks every template that it synthesizes, and loads its rules for that when the first one is.
vi.setConfig({ testTimeout: 30_000 });

interface Container {
  readonly Name: string;
  readonly Image: string;
  readonly Command?: readonly string[];
  readonly Environment: readonly { readonly Name: string; readonly Value: unknown }[];
  readonly DependsOn?: readonly unknown[];
}

function containerOf(ingestion: SftpIngestion, name: string): Container {
  const { ContainerDefinitions } = propertiesOf<{ ContainerDefinitions: readonly Container[] }>(
    ingestion,
    'AWS::ECS::TaskDefinition',
  );
  const container = ContainerDefinitions.find(({ Name }) => Name === name);
  if (container === undefined) throw new Error(`the task has no container ${name}`);
  return container;
}

function environmentOf(ingestion: SftpIngestion, name: string): Record<string, unknown> {
  const { Environment } = containerOf(ingestion, name);
  return Object.fromEntries(Environment.map(({ Name, Value }) => [Name, Value]));
}

describe('the collector', () => {
  test('runs by the configuration that runs elsewhere, and the one for AWS after it, without their comments', () => {
    const ingestion = ingestionWith();
    const environment = environmentOf(ingestion, 'collector');
    const told = (containerOf(ingestion, 'collector').Command ?? []).map((argument) => {
      const name = /^--config=env:(\w+)$/.exec(argument)?.[1] ?? '';
      return environment[name] as string;
    });
    const files = ['collector.yaml', 'collector-aws.yaml'].map((file) =>
      readFileSync(new URL(`../observability/${file}`, import.meta.url), 'utf8'),
    );
    expect(told.map((text) => parse(text))).toEqual(files.map((text) => parse(text)));
    for (const text of told) expect(text).not.toMatch(/^\s*#/m);
  });

  test('writes metrics into the namespace that dashboard and alarms read, by a log that is kept for a month', () => {
    const ingestion = ingestionWith();
    const stack = Stack.of(ingestion);
    const { metricsLog } = ingestion.observability;
    expect(environmentOf(ingestion, 'collector')).toMatchObject({
      SLUICE_METRICS_NAMESPACE: 'Sluice/Test',
      SLUICE_METRICS_LOG_GROUP: stack.resolve(metricsLog?.logGroupName),
    });
    const [log] = Object.entries(templateOf(ingestion).findResources('AWS::Logs::LogGroup')).filter(
      ([id]) => id === stack.resolve(metricsLog?.logGroupName).Ref,
    );
    expect(log?.[1]).toMatchObject({ Properties: { RetentionInDays: 30 } });
  });

  test('starts before the service and ends after it, so that the last spans come through', () => {
    const ingestion = ingestionWith();
    expect(containerOf(ingestion, 'sluice').DependsOn).toEqual([
      { ContainerName: 'collector', Condition: 'START' },
    ]);
    expect(containerOf(ingestion, 'collector').DependsOn).toBeUndefined();
  });

  test('is sent, on this machine alone, what CloudWatch can add up', () => {
    expect(environmentOf(ingestionWith(), 'sluice')).toMatchObject({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318',
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
      OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: 'base2_exponential_bucket_histogram',
    });
    expect(environmentOf(ingestionWith(), 'sluice')).not.toHaveProperty('OTEL_SDK_DISABLED');
  });

  test('is of a version that is named, or an image of one’s own', () => {
    expect(containerOf(ingestionWith(), 'collector').Image).toMatch(
      /^amazon\/aws-otel-collector:v\d+\.\d+\.\d+$/,
    );
    const collectorImage = ContainerImage.fromRegistry('mine:1');
    const ingestion = ingestionWith(() => ({ observability: { collectorImage } }));
    expect(containerOf(ingestion, 'collector').Image).toBe('mine:1');
  });
});

describe('without a collector', () => {
  const without = () => ingestionWith(() => ({ observability: { collector: false } }));

  test('the service runs alone, and makes no telemetry that nobody would take', () => {
    const ingestion = without();
    expect(() => containerOf(ingestion, 'collector')).toThrow('the task has no container collector');
    const environment = environmentOf(ingestion, 'sluice');
    expect(environment).toMatchObject({ OTEL_SDK_DISABLED: 'true' });
    expect(Object.keys(environment).filter((name) => name.startsWith('OTEL_'))).toEqual([
      'OTEL_SDK_DISABLED',
    ]);
    expect(containerOf(ingestion, 'sluice').DependsOn).toBeUndefined();
  });

  test('there is no dashboard and no log of metrics', () => {
    const { observability } = without();
    expect(observability.dashboard).toBeUndefined();
    expect(observability.metricsLog).toBeUndefined();
    templateOf(observability).resourceCountIs('AWS::CloudWatch::Dashboard', 0);
  });
});
