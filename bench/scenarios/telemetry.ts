import { Cleanup } from '../cleanup.ts';
import { DEFAULT_CIPHER, sftpPut } from '../client.ts';
import { accountOn } from '../driver/account.ts';
import { Connection } from '../driver/connection.ts';
import { playRound, type Share } from '../measure/rounds.ts';
import { createPayload } from '../payload.ts';
import { openSink, openSite, type Sink, type Site } from '../site.ts';
import { formatSize } from '../sizes.ts';
import { sluice } from '../targets/sluice.ts';
import type { RunningTarget } from '../targets/target.ts';
import { lastingFaults, type Sent } from './arrivals.ts';
import { uploadFile } from './small.ts';

/** How the receiver of the telemetry behaves: `slow` answers after ten seconds, `down` is not there. */
export const RECEIVERS = ['discard', 'slow', 'down'] as const;
export type Receiver = (typeof RECEIVERS)[number];

/** `off` has no telemetry at all, and `off again` neither: how they differ is what the measurement cannot tell. */
export type Variant = 'off' | 'off again' | Receiver;

/** What is uploaded: it stands in the report too. */
export interface TelemetryWork {
  /** Of the one file, in bytes; 0 leaves it out. */
  readonly size: number;
  /** Small ones, in one session; 0 leaves them out. */
  readonly files: number;
  /** Of each of them, in bytes. */
  readonly fileSize: number;
  /** Passes at the end of a round, so that what is still to be exported is. */
  readonly settleMs: number;
}

export interface TelemetryOptions extends TelemetryWork {
  readonly runs: number;
  readonly receivers: readonly Receiver[];
  /** Measure one more server without telemetry. */
  readonly control: boolean;
  readonly say: (line: string) => void;
}

export interface TelemetryRun extends Share {
  /** That came to the receiver; undefined without one. Those that are sent again are counted again. */
  readonly spans: number | undefined;
  readonly metricExports: number | undefined;
}

/** The runs of one variant; those at the same place of another are of the same round. */
export interface TelemetrySeries {
  readonly variant: Variant;
  readonly runs: readonly TelemetryRun[];
}

export interface TelemetryResult {
  readonly work: 'upload' | 'small';
  readonly series: readonly TelemetrySeries[];
  /** Of one run; undefined where it depends on how the file is cut into parts. */
  readonly expectedSpans: number | undefined;
  /** Objects and jobs that are wrong, missing or should not be there. */
  readonly faults: readonly string[];
}

/** Of a small file: `sluice.upload`, `backend.begin_write`, `.write_chunk`, `.finish_write` and `sqs.send`. */
const SPANS_OF_A_FILE = 5;

const SLOW_MS = 10_000;

/** Where nobody listens: tcpmux. */
const NOBODY = 'http://127.0.0.1:1';

/** Files of one step: a quarter of a second or so. */
const FILES_OF_A_STEP = 50;

/** Node compiles what it finds to be used often; rounds that are not counted. */
const WARM_UP_ROUNDS = 1;

interface Server extends RunningTarget {
  readonly variant: Variant;
  readonly receiver: Sink | undefined;
}

/** What is done to every server, in how many steps. */
interface Task {
  readonly name: TelemetryResult['work'];
  readonly steps: number;
  readonly expectedSpans: number | undefined;
  readonly perform: (server: Server, round: number, step: number) => Promise<void>;
  readonly faults: () => Promise<string[]>;
}

/** One large file, then many small ones, each to servers that differ in their telemetry alone. */
export async function measureTelemetry(
  options: TelemetryOptions,
  cleanup: Cleanup,
): Promise<TelemetryResult[]> {
  const results: TelemetryResult[] = [];
  for (const [amount, prepare] of [
    [options.size, largeFile],
    [options.files, smallFiles],
  ] as const) {
    if (amount === 0) continue;
    const own = new Cleanup();
    const leave = cleanup.add(() => own.run());
    try {
      results.push(await measure(options, prepare, own));
    } finally {
      await leave();
    }
  }
  return results;
}

type Prepare = (options: TelemetryOptions, site: Site, servers: readonly Server[]) => Promise<Task>;

async function measure(
  options: TelemetryOptions,
  prepare: Prepare,
  cleanup: Cleanup,
): Promise<TelemetryResult> {
  const { runs, settleMs, say } = options;
  // The checksums of a large file would take the cores from the servers.
  const site = await openSite(cleanup, { latencyMs: 0, verify: prepare === smallFiles });
  const servers = await startServers(options, site);
  const { name, steps, expectedSpans, perform, faults } = await prepare(options, site, servers);
  const series = servers.map(({ variant }) => ({ variant, runs: [] as TelemetryRun[] }));
  for (let number = -WARM_UP_ROUNDS; number < runs; number++) {
    const before = await received(servers);
    const round = { number: number + WARM_UP_ROUNDS, steps, settleMs };
    const shares = await playRound(servers, round, (server, step) => perform(server, round.number, step));
    const after = await received(servers);
    if (number < 0) continue;
    shares.forEach((share, index) => {
      const [then, now] = [before[index], after[index]];
      const run = {
        ...share,
        spans: now && now.spans - (then?.spans ?? 0),
        metricExports: now && now.metricExports - (then?.metricExports ?? 0),
      };
      series[index]?.runs.push(run);
      say(`run ${number + 1} of ${runs}, ${name}, ${servers[index]?.variant}: ${describe(run)}`);
    });
  }
  const result = { work: name, series, expectedSpans, faults: await faults() };
  for (const server of servers) await server.stop();
  return result;
}

async function startServers(
  { receivers, control, settleMs }: TelemetryOptions,
  site: Site,
): Promise<Server[]> {
  const variants: Variant[] = ['off', ...(control ? (['off again'] as const) : []), ...receivers];
  const servers: Server[] = [];
  for (const variant of variants) {
    const isOff = variant === 'off' || variant === 'off again';
    const receiver =
      isOff || variant === 'down'
        ? undefined
        : await openSink(site.cleanup, { latencyMs: variant === 'slow' ? SLOW_MS : 0 });
    const target = sluice({ tracing: isOff ? 'disabled' : 'exported' });
    const env = isOff ? {} : environment(receiver?.url ?? NOBODY, settleMs);
    servers.push({ ...(await target.start(site, { env })), variant, receiver });
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

async function largeFile({ size, say }: TelemetryOptions, site: Site): Promise<Task> {
  const { file: localFile, inMemory } = await createPayload(site.cleanup, size);
  if (!inMemory) say(`no room in a tmpfs: the client reads its ${formatSize(size)} from disk`);
  let uploads = 0;
  return {
    name: 'upload',
    steps: 1,
    expectedSpans: undefined,
    perform: async (server) => {
      uploads += 1;
      await sftpPut(site, server, { cipher: DEFAULT_CIPHER, localFile, name: `upload-${uploads}.bin` });
    },
    faults: async () => {
      const { objects, bytes, jobs } = await site.sink.counts();
      const isRight = objects === uploads && bytes === uploads * size && jobs === uploads;
      return isRight ? [] : [`${uploads} uploads gave ${objects} objects, ${bytes} bytes and ${jobs} jobs`];
    },
  };
}

async function smallFiles(
  { files, fileSize }: TelemetryOptions,
  site: Site,
  servers: readonly Server[],
): Promise<Task> {
  const sessions = new Map<Server, Connection>();
  for (const server of servers) sessions.set(server, await Connection.login(await accountOn(site, server)));
  const sent: Sent[] = [];
  return {
    name: 'small',
    steps: Math.ceil(files / FILES_OF_A_STEP),
    expectedSpans: files * SPANS_OF_A_FILE,
    perform: async (server, round, step) => {
      const session = sessions.get(server) as Connection;
      const end = Math.min(files, (step + 1) * FILES_OF_A_STEP);
      for (let at = step * FILES_OF_A_STEP; at < end; at++) {
        const name = `${servers.indexOf(server)}-${round}-${at}.bin`;
        sent.push(await uploadFile(session, name, fileSize));
      }
    },
    faults: async () => {
      for (const session of sessions.values()) session.end();
      return await lastingFaults(sent, () => site.sink.contents());
    },
  };
}

function received(servers: readonly Server[]) {
  return Promise.all(servers.map(({ receiver }) => receiver?.counts()));
}

function describe({ wallSeconds, cpuSeconds, spans }: TelemetryRun): string {
  const cpu = cpuSeconds === undefined ? '' : `, server CPU ${cpuSeconds.toFixed(2)} s`;
  return `${wallSeconds.toFixed(2)} s${cpu}${spans === undefined ? '' : `, ${spans} spans received`}`;
}
