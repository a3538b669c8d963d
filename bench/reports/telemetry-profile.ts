import { byConcern, type Frame } from '../measure/cpu-profile.ts';
import type { VariantProfile } from '../scenarios/telemetry.ts';
import { table } from './table.ts';

interface Concern {
  readonly name: string;
  /** Of the path of its file, from the package on. */
  readonly place: RegExp;
  readonly function?: RegExp;
  /** What its functions call is for the same purpose. */
  readonly callees?: true;
}

/** What telemetry does, the special before the general. */
const CONCERNS: readonly Concern[] = [
  { name: 'contexts that follow promises', place: /^node:(internal\/)?async_hooks/ },
  { name: 'contexts that follow promises', place: /^@opentelemetry\/context-async-hooks\// },
  { name: 'serialisation', place: /^@opentelemetry\/otlp-transformer\//, callees: true },
  { name: 'export over HTTP', place: /^@opentelemetry\/(otlp-exporter|exporter-)/, callees: true },
  { name: 'batches', place: /^@opentelemetry\/.*SpanProcessor/, callees: true },
  { name: 'metrics', place: /^@opentelemetry\/sdk-metrics\//, callees: true },
  { name: 'attributes', place: /^@opentelemetry\//, function: /attribute/i, callees: true },
  { name: 'contexts', place: /^@opentelemetry\/.*ContextManager/ },
  { name: 'spans', place: /^@opentelemetry\/sdk-trace(?!.*ContextManager)/, callees: true },
  { name: 'spans', place: /^@opentelemetry\// },
  { name: 'our layers', place: /^dist\/(telemetry|layers\/(traced|with-.*telemetry))/ },
];

/** Lines of the table; what is below them is no more than chance. */
const SHOWN = 25;

/**
 * What the main thread of each server was busy with, in microseconds for each file, what differs most first. Where code
 * that is not telemetry's takes longer, telemetry has made it slower or it is chance.
 */
export function telemetryProfile(profiles: readonly VariantProfile[], files: number): string {
  const columns = profiles.map(({ variant }) => variant);
  const totals = profiles.map(({ profile, within }) => byConcern(profile, concernOf, within));
  const perFile = (total: number) => (total * 1e6) / files;
  const names = [...new Set(totals.flatMap((total) => [...total.keys()]))];
  const rows = [
    { name: 'all', values: totals.map((total) => perFile([...total.values()].reduce((a, b) => a + b, 0))) },
    ...names
      .map((name) => ({ name, values: totals.map((total) => perFile(total.get(name) ?? 0)) }))
      .sort((a, b) => Math.abs(more(b.values)) - Math.abs(more(a.values)))
      .slice(0, SHOWN),
  ];
  return table(
    ['µs per file', ...columns, 'more'],
    rows.map(({ name, values }) => [name, ...values.map(whole), whole(more(values))]),
  );
}

/** Of the last variant against the first. */
function more(values: readonly number[]): number {
  return (values.at(-1) ?? 0) - (values[0] ?? 0);
}

const whole = (value: number) => value.toFixed(0);

function concernOf({ name, place }: Frame, depth: number): string | undefined {
  return CONCERNS.find(
    (concern) =>
      (depth === 0 || concern.callees) && concern.place.test(place) && (concern.function?.test(name) ?? true),
  )?.name;
}
