import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { toDimensionSets } from '../../observability/cloudwatch.ts';
import { outputs } from '../../observability/outputs.ts';
import { LEFT_OUT, PANELS } from '../../observability/panels.ts';
import { toPrometheusName, toPromQl } from '../../observability/prometheus.ts';
import { busy, metricsOf, percentile, rate, share } from '../../observability/series.ts';
import { METRICS, type MetricName } from '../../src/telemetry/metrics.ts';

const ALL = Object.keys(METRICS) as MetricName[];
const SHOWN = new Set(PANELS.flatMap(({ series }) => series.flatMap(metricsOf)));

describe('the dashboards', () => {
  test.each(outputs())(
    '$path is what npm run dashboards makes of the catalogue of metrics',
    ({ path, text }) => {
      expect(readFileSync(path, 'utf8'), `npm run dashboards (${basename(path)})`).toBe(text);
    },
  );

  test('every metric is shown, or left out for a reason', () => {
    const forgotten = ALL.filter((name) => !SHOWN.has(name) && LEFT_OUT[name] === undefined);
    expect(forgotten).toEqual([]);
  });

  test('what is left out is not shown', () => {
    expect(ALL.filter((name) => SHOWN.has(name) && LEFT_OUT[name] !== undefined)).toEqual([]);
  });

  test('no two panels have the same title', () => {
    const titles = PANELS.map(({ title }) => title);
    expect(titles).toEqual([...new Set(titles)]);
  });

  test('CloudWatch is given each metric that is shown, by the attributes that its panels ask for', () => {
    const sets = toDimensionSets();
    expect([...sets.keys()].sort()).toEqual([...SHOWN].sort());
    for (const [name, dimensions] of sets) {
      const known: readonly string[] = METRICS[name].attributes;
      expect(dimensions.flat().filter((dimension) => !known.includes(dimension))).toEqual([]);
    }
  });
});

describe('names and queries for Prometheus', () => {
  test.each([
    ['sluice.uploads', 'sluice_uploads_total'],
    ['sluice.upload.io', 'sluice_upload_io_bytes_total'],
    ['sluice.upload.duration', 'sluice_upload_duration_seconds'],
    ['sluice.upload.active', 'sluice_upload_active'],
    ['sluice.buffer.used', 'sluice_buffer_used_bytes'],
    ['nodejs.eventloop.utilization', 'nodejs_eventloop_utilization_ratio'],
    ['process.cpu.time', 'process_cpu_time_seconds_total'],
  ] as const)('%s is %s', (name, expected) => {
    expect(toPrometheusName(name)).toBe(expected);
  });

  const scope = 'job=~"$job",instance=~"$instance"';

  test('a rate is added up over tasks', () => {
    const failed = rate('sluice.uploads', {
      by: ['sluice.result'],
      where: { 'sluice.result': { not: 'ok' } },
    });
    expect(toPromQl(failed)).toBe(
      `sum by (sluice_result) (rate(sluice_uploads_total{${scope},sluice_result!="ok"}[$__rate_interval]))`,
    );
  });

  test('a percentile is taken of the buckets of all tasks together', () => {
    expect(toPromQl(percentile(99, 'sluice.s3.call.duration', { by: ['rpc.method'] }))).toBe(
      `histogram_quantile(0.99, sum by (le, rpc_method) (rate(sluice_s3_call_duration_seconds_bucket{${scope}}[$__rate_interval])))`,
    );
  });

  test('a share, and time on the CPU, are those of the task that has most', () => {
    expect(toPromQl(share('sluice.buffer.used', 'sluice.buffer.limit'))).toBe(
      `max (sluice_buffer_used_bytes{${scope}} / sluice_buffer_limit_bytes{${scope}})`,
    );
    expect(toPromQl(busy('process.cpu.time', { by: ['cpu.mode'] }))).toBe(
      `max by (cpu_mode) (rate(process_cpu_time_seconds_total{${scope}}[$__rate_interval]))`,
    );
  });
});
