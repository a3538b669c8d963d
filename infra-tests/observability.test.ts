import { describe, expect, test, vi } from 'vitest';
import type { SluiceObservabilityProps } from '../cdk/observability.ts';
import { toCloudWatchDashboard, toDimensionSets } from '../observability/cloudwatch.ts';
import { ingestionWith, propertiesOf, templateOf } from './support/appliance.ts';

// The library checks every template that it synthesizes, and loads its rules for that when the first one is.
vi.setConfig({ testTimeout: 30_000 });

const observed = (observability: SluiceObservabilityProps) => ingestionWith(() => ({ observability }));

function dashboardOf(ingestion: ReturnType<typeof ingestionWith>): unknown {
  const { DashboardBody } = propertiesOf<{ DashboardBody: string }>(ingestion, 'AWS::CloudWatch::Dashboard');
  return JSON.parse(DashboardBody);
}

/** The namespaces that anything in the template reads service's metrics from, or the collector writes them to. */
function namespacesIn(ingestion: ReturnType<typeof ingestionWith>): string[] {
  const text = JSON.stringify(templateOf(ingestion).toJSON());
  return [...new Set(text.match(/(?<=["'{,]|\\")(Sluice|Mine)\/\w+(?=\\?["',])/g) ?? [])];
}

describe('the dashboard', () => {
  test('is that of observability/, of the namespace that the collector writes to', () => {
    expect(dashboardOf(ingestionWith())).toEqual(toCloudWatchDashboard('Sluice/Test'));
  });

  test('has a name of its own in each deployment', () => {
    expect(propertiesOf(ingestionWith(), 'AWS::CloudWatch::Dashboard')).not.toHaveProperty('DashboardName');
  });
});

describe('the namespace of the metrics', () => {
  test('is named after the stack, and the same for collector, dashboard, alarms and scaling', () => {
    expect(namespacesIn(ingestionWith())).toEqual(['Sluice/Test']);
  });

  test('may be another one, and then everywhere', () => {
    const ingestion = observed({ namespace: 'Mine/One' });
    expect(namespacesIn(ingestion)).toEqual(['Mine/One']);
    expect(dashboardOf(ingestion)).toEqual(toCloudWatchDashboard('Mine/One'));
  });
});

describe('the scaling by sessions', () => {
  const policyOf = (ingestion: ReturnType<typeof ingestionWith>) => {
    const policies = Object.values(
      templateOf(ingestion).findResources('AWS::ApplicationAutoScaling::ScalingPolicy'),
    ).map(({ Properties }) => Properties.TargetTrackingScalingPolicyConfiguration);
    return policies.find((policy) => 'CustomizedMetricSpecification' in policy);
  };

  test('goes by a metric that the collector keeps, over all tasks', () => {
    const { MetricName, Dimensions } = policyOf(ingestionWith()).CustomizedMetricSpecification;
    expect(MetricName).toBe('sluice.session.active');
    expect(Dimensions).toBeUndefined();
    expect(toDimensionSets().get('sluice.session.active')).toContainEqual([]);
  });

  test('takes its number from the props', () => {
    expect(policyOf(observed({ sessionsPerTask: 50 })).TargetValue).toBe(50);
  });

  test('is refused with a number that is none', () => {
    expect(() => observed({ sessionsPerTask: 0 })).toThrow(
      'Test/Sluice/Observability: invalid props\n' +
        '  - sessionsPerTask must be a whole number from 1 to 100000, not 0',
    );
  });
});
