import { setTimeout as sleep } from 'node:timers/promises';
import { Cleanup } from '../cleanup.ts';
import type { CpuProfile, Interval } from '../measure/cpu-profile.ts';
import { createProfiler, type Profiler, profileClock } from '../measure/cpu-profiler.ts';
import { playRound, type Share } from '../measure/rounds.ts';
import { difference } from '../measure/statistics.ts';
import type { SinkCounts } from '../sink/server.ts';
import { openSink, openSite, type Sink, type Site } from '../site.ts';
import { sluice } from '../targets/sluice.ts';
import type { RunningTarget } from '../targets/target.ts';
import { largeFile, smallFiles, type Task, type TaskOptions } from './telemetry-work.ts';

/** How the receiver of the telemetry behaves: `slow` answers after ten seconds, `down` is not there. */
export const RECEIVERS = ['discard', 'slow', 'down'] as const;
export type Receiver = (typeof RECEIVERS)[number];

/** `off` has no telemetry at all, and `off again` neither: by how much they differ, the measurement cannot tell. */
export type Variant = 'off' | 'off again' | Receiver;

export interface TelemetryOptions extends TaskOptions {
  readonly runs: number;
  readonly receivers: readonly Receiver[];
  /** Measure one more server without telemetry. */
  readonly control: boolean;
  /** Passes at the end of a round, in milliseconds, so that what is still to be exported is. */
  readonly settleMs: number;
}

export interface TelemetryRun extends Share {
  /** That came to the receiver during the round, of an earlier one perhaps; undefined without a receiver. */
  readonly spans: number | undefined;
}

export interface TelemetrySeries {
  readonly variant: Variant;
  /** Those at the same place of another variant are of the same round. */
  readonly runs: readonly TelemetryRun[];
  /** What came to the receiver until the server had ended: spans of the rounds, those that warm up too. */
  readonly received: Pick<SinkCounts, 'spans' | 'traceExports' | 'metricExports'> | undefined;
}

export interface TelemetryResult {
  readonly work: keyof typeof TASKS;
  readonly series: readonly TelemetrySeries[];
  /** Of all rounds, those that warm up too; undefined where it depends on how the file is cut into parts. */
  readonly expectedSpans: number | undefined;
  readonly faults: readonly string[];
}

/** What a server did during the rounds that count. */
export interface VariantProfile {
  readonly variant: Variant;
  readonly profile: CpuProfile;
  readonly within: Interval;
}

const TASKS = { upload: largeFile, small: smallFiles };

const SLOW_MS = 10_000;

/** Where nobody listens: the port of tcpmux. */
const NOBODY = 'http://127.0.0.1:1';

/** They are not counted: Node compiles what it finds to be used often. */
const WARM_UP_ROUNDS = 1;

interface Server extends RunningTarget {
  readonly variant: Variant;
  readonly receiver: Sink | undefined;
  readonly profiler: Profiler | undefined;
}

/** One large file, then many small ones, each to servers that differ in their telemetry alone. */
export async function measureTelemetry(
  options: TelemetryOptions,
  cleanup: Cleanup,
): Promise<TelemetryResult[]> {
  const results: TelemetryResult[] = [];
  for (const [work, amount] of [
    ['upload', options.size],
    ['small', options.files],
  ] as const) {
    if (amount > 0) results.push((await measure(options, work, cleanup)).result);
  }
  return results;
}

/** The small files alone, under `node --cpu-prof`. */
export async function profileTelemetry(
  options: TelemetryOptions,
  cleanup: Cleanup,
): Promise<VariantProfile[]> {
  return (await measure(options, 'small', cleanup, true)).profiles;
}

async function measure(
  options: TelemetryOptions,
  work: TelemetryResult['work'],
  outer: Cleanup,
  isProfiled = false,
): Promise<{ result: TelemetryResult; profiles: VariantProfile[] }> {
  const cleanup = new Cleanup();
  const leave = outer.add(() => cleanup.run());
  try {
    // The checksums of a large file would take the cores from the servers.
    const site = await openSite(cleanup, { latencyMs: 0, verify: work === 'small' });
    const servers = await startServers(options, site, isProfiled);
    const task = await TASKS[work](options, site, servers);
    // What starting and logging in gave is not of the work.
    await sleep(options.settleMs);
    const base = await spansOf(servers);
    const { runs, within } = await playRounds(options, work, servers, task);
    const faults = await task.faults();
    const series: TelemetrySeries[] = [];
    const profiles: VariantProfile[] = [];
    for (const [index, { variant, profiler, receiver, stop }] of servers.entries()) {
      await stop();
      series.push({ variant, runs: runs[index] ?? [], received: await receivedBy(receiver, base[index]) });
      const profile = await profiler?.read();
      if (profile !== undefined) profiles.push({ variant, profile, within });
    }
    const expectedSpans = task.expectedSpans && task.expectedSpans * (WARM_UP_ROUNDS + options.runs);
    return { result: { work, series, expectedSpans, faults }, profiles };
  } finally {
    await leave();
  }
}

async function playRounds(
  { runs, settleMs, say }: TelemetryOptions,
  work: TelemetryResult['work'],
  servers: readonly Server[],
  { steps, perform }: Task,
) {
  const done = servers.map(() => [] as TelemetryRun[]);
  let from = 0;
  for (let number = 0; number < WARM_UP_ROUNDS + runs; number++) {
    if (number === WARM_UP_ROUNDS) from = profileClock();
    const before = await spansOf(servers);
    const shares = await playRound(servers, { number, steps, settleMs }, (server, step) =>
      perform(server, number, step),
    );
    const after = await spansOf(servers);
    if (number < WARM_UP_ROUNDS) continue;
    for (const [index, { variant }] of servers.entries()) {
      const run = { ...(shares[index] as Share), spans: difference(after[index], before[index]) };
      done[index]?.push(run);
      say(`run ${1 + number - WARM_UP_ROUNDS} of ${runs}, ${work}, ${variant}: ${describe(run)}`);
    }
  }
  return { runs: done, within: { from, to: profileClock() } };
}

async function startServers(
  { receivers, control, settleMs }: TelemetryOptions,
  site: Site,
  isProfiled: boolean,
): Promise<Server[]> {
  const variants: Variant[] = ['off', ...(control ? (['off again'] as const) : []), ...receivers];
  const servers: Server[] = [];
  for (const variant of variants) {
    const isOff = variant === 'off' || variant === 'off again';
    const receiver =
      isOff || variant === 'down'
        ? undefined
        : await openSink(site.cleanup, { latencyMs: variant === 'slow' ? SLOW_MS : 0 });
    const profiler = isProfiled ? await createProfiler(site.cleanup, site.folder) : undefined;
    const target = sluice({ tracing: isOff ? 'disabled' : 'exported' });
    const env = isOff ? {} : environment(receiver?.url ?? NOBODY, settleMs);
    const running = await target.start(site, { env, nodeFlags: profiler?.nodeFlags ?? [] });
    servers.push({ ...running, variant, receiver, profiler });
  }
  return servers;
}

/** Everything is exported, and often enough that it falls into the round that it belongs to. */
function environment(endpoint: string, settleMs: number): Record<string, string> {
  return {
    OTEL_TRACES_SAMPLER: 'always_on',
    OTEL_METRICS_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_BSP_SCHEDULE_DELAY: String(Math.round(settleMs / 2)),
    OTEL_METRIC_EXPORT_INTERVAL: '5000',
    OTEL_METRIC_EXPORT_TIMEOUT: '5000',
  };
}

function spansOf(servers: readonly Server[]): Promise<(number | undefined)[]> {
  return Promise.all(servers.map(async ({ receiver }) => (await receiver?.counts())?.spans));
}

/** Spans beyond those that were there before. */
async function receivedBy(receiver: Sink | undefined, before = 0): Promise<TelemetrySeries['received']> {
  if (receiver === undefined) return undefined;
  const { spans, traceExports, metricExports } = await receiver.counts();
  return { spans: spans - before, traceExports, metricExports };
}

function describe({ wallSeconds, cpuSeconds, spans }: TelemetryRun): string {
  const cpu = cpuSeconds === undefined ? '' : `, server CPU ${cpuSeconds.toFixed(2)} s`;
  return `${wallSeconds.toFixed(2)} s${cpu}${spans === undefined ? '' : `, ${spans} spans received`}`;
}
