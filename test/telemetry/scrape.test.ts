import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { describe, expect, test } from 'vitest';
import { toPrometheusName } from '../../observability/prometheus.ts';
import { METRICS, type MetricName } from '../../src/telemetry/metrics.ts';
import { ScrapeReader } from '../../src/telemetry/scrape.ts';

/** What a scrape says of every metric of the table, each with one value. */
async function scrapeAll(): Promise<{ readonly type: string | null; readonly text: string }> {
  const reader = new ScrapeReader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter('test');
  for (const [name, { kind, unit }] of Object.entries(METRICS)) {
    if (kind === 'counter') meter.createCounter(name, { unit }).add(1);
    else if (kind === 'histogram') meter.createHistogram(name, { unit }).record(1);
    else if (kind === 'observable counter') {
      meter.createObservableCounter(name, { unit }).addCallback((result) => result.observe(1));
    } else meter.createObservableGauge(name, { unit }).addCallback((result) => result.observe(1));
  }
  const server = createServer((_request, response) => reader.answer(response)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const text = await response.text();
  server.close();
  return { type: response.headers.get('content-type'), text };
}

describe('a scrape', () => {
  const scraped = scrapeAll();

  test.each(Object.keys(METRICS) as MetricName[])(
    'has %s under the name that the dashboard asks for',
    async (name) => {
      const suffix = METRICS[name].kind === 'histogram' ? '_bucket' : '';
      expect((await scraped).text).toMatch(new RegExp(`^${toPrometheusName(name)}${suffix}\\{`, 'm'));
    },
  );

  test('says which format it has: Prometheus 3 refuses what does not', async () => {
    expect((await scraped).type).toBe('text/plain; version=0.0.4; charset=utf-8');
  });
});
