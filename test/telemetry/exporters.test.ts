import { diag } from '@opentelemetry/api';
import { AggregationType, InstrumentType } from '@opentelemetry/sdk-metrics';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createMetricReaders } from '../../src/telemetry/exporters.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** How what is exported by OTLP tells of histograms, and of counters. */
async function aggregations(wanted: string | undefined, protocol?: string) {
  vi.stubEnv('OTEL_METRICS_EXPORTER', 'otlp');
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', protocol);
  vi.stubEnv('OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION', wanted);
  const [reader] = (await createMetricReaders()).readers;
  const of = (instrument: InstrumentType) => reader?.selectAggregation(instrument).type;
  return { histogram: of(InstrumentType.HISTOGRAM), counter: of(InstrumentType.COUNTER) };
}

const { DEFAULT, EXPONENTIAL_HISTOGRAM } = AggregationType;

describe('histograms that are exported', () => {
  test.each([undefined, 'explicit_bucket_histogram'])(
    'have the buckets of the service: %s',
    async (wanted) => {
      expect(await aggregations(wanted)).toEqual({ histogram: DEFAULT, counter: DEFAULT });
    },
  );

  test.each([undefined, 'http/json', 'grpc'])(
    'have exponential buckets when the variable says so, by any protocol: %s',
    async (protocol) => {
      const expected = { histogram: EXPONENTIAL_HISTOGRAM, counter: DEFAULT };
      expect(await aggregations('base2_exponential_bucket_histogram', protocol)).toEqual(expected);
    },
  );

  test('a word that is not known is told, and changes nothing', async () => {
    const warn = vi.spyOn(diag, 'warn');
    expect(await aggregations('round')).toEqual({ histogram: DEFAULT, counter: DEFAULT });
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('"round"'));
  });
});
