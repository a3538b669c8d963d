import type { Attributes, Counter, Histogram, Meter, ObservableResult } from '@opentelemetry/api';
import { METRICS, type MetricName } from './metrics.ts';

type Kind = (typeof METRICS)[MetricName]['kind'];
type NameOf<K extends Kind> = {
  [N in MetricName]: (typeof METRICS)[N]['kind'] extends K ? N : never;
}[MetricName];
type ObservableName = NameOf<'observable counter' | 'observable gauge'>;

/** The attributes that the table of metrics gives it, and no others. */
export type AttributesOf<N extends MetricName> = {
  readonly [A in (typeof METRICS)[N]['attributes'][number]]?: string;
};

/** One value of an observable metric, with its attributes if it has any. */
export type Observed<N extends ObservableName> = readonly [value: number, attributes?: AttributesOf<N>];

/** Bounds of the buckets of histograms, by unit. */
const BOUNDARIES: Readonly<Record<string, number[]>> = {
  s: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600],
  By: [4, 64, 512].map((k) => k * 1024).concat([1, 8, 64, 512, 4096, 65_536].map((m) => m * 1024 ** 2)),
};

/** The metrics of the table, by name: a name, a kind or an attribute that is not there does not compile. */
export class Metrics {
  readonly #meter: Meter;
  readonly #counters = new Map<string, Counter>();
  readonly #histograms = new Map<string, Histogram>();

  constructor(meter: Meter) {
    this.#meter = meter;
    for (const [name, { kind, unit, description }] of Object.entries(METRICS)) {
      if (kind === 'counter') this.#counters.set(name, meter.createCounter(name, { unit, description }));
      if (kind !== 'histogram') continue;
      const advice = { explicitBucketBoundaries: BOUNDARIES[unit] ?? [] };
      this.#histograms.set(name, meter.createHistogram(name, { unit, description, advice }));
    }
  }

  add<N extends NameOf<'counter'>>(name: N, value: number, attributes: AttributesOf<N>): void {
    this.#counters.get(name)?.add(value, attributes as Attributes);
  }

  record<N extends NameOf<'histogram'>>(name: N, value: number, attributes: AttributesOf<N>): void {
    this.#histograms.get(name)?.record(value, attributes as Attributes);
  }

  /**
   * `read` is called whenever metrics are collected; what it does not give at that moment is not reported. Call the returned
   * function to end that.
   */
  observe<N extends ObservableName>(name: N, read: () => number | Iterable<Observed<N>>): () => void {
    const { kind, unit, description } = METRICS[name];
    const create = kind === 'observable counter' ? 'createObservableCounter' : 'createObservableGauge';
    const instrument = this.#meter[create](name, { unit, description });
    const callback = (result: ObservableResult) => {
      const value = read();
      if (typeof value === 'number') return result.observe(value);
      for (const [each, attributes] of value) result.observe(each, attributes as Attributes);
    };
    instrument.addCallback(callback);
    return () => instrument.removeCallback(callback);
  }
}
