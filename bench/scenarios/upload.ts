import type { Cleanup } from '../cleanup.ts';
import { sftpPut } from '../client.ts';
import { byOrigin, type Interval, selfTimes } from '../measure/cpu-profile.ts';
import { createProfiler, profileClock } from '../measure/cpu-profiler.ts';
import { type Figures, meter } from '../measure/meter.ts';
import { openDistance } from '../open-distance.ts';
import { createPayload } from '../payload.ts';
import type { Series } from '../reports/upload.ts';
import { openSite, type Site } from '../site.ts';
import { formatSize, GiB } from '../sizes.ts';
import type { StartOptions, Target } from '../targets/target.ts';

export interface UploadOptions {
  readonly bytes: number;
  readonly runs: number;
  readonly targets: readonly Target[];
  readonly ciphers: readonly string[];
  /** Bytes uploaded to each fresh server before it is measured; 0 measures it cold. */
  readonly warmUpBytes: number;
  /** Of the sink, in milliseconds. */
  readonly latencyMs: number;
  /** Between client and server, in milliseconds; 0 goes straight to the server. */
  readonly roundTripMs: number;
  /** Told what is going on, a line at a time. */
  readonly say: (line: string) => void;
}

interface Bench extends UploadOptions {
  readonly site: Site;
  readonly file: string;
  readonly warmUpFile: string | undefined;
  /** A name that is new to the sink, so that no run finds the object of the one before. */
  readonly newName: () => string;
}

/** One file, one connection, by the OpenSSH client. Targets take turns, so that what disturbs hits them all. */
export async function measureUploads(options: UploadOptions, cleanup: Cleanup): Promise<Series[]> {
  const bench = await prepare(options, cleanup);
  const variants = options.targets.flatMap((target) =>
    options.ciphers.map((cipher) => ({ target, cipher, runs: [] as Figures[] })),
  );
  for (let run = 1; run <= options.runs; run++) {
    for (const { target, cipher, runs } of variants) {
      const figures = await uploadOnce(bench, target, cipher);
      runs.push(figures);
      options.say(`run ${run} of ${options.runs}, ${target.name}, ${cipher}: ${describe(figures)}`);
    }
  }
  return variants.map(({ target, cipher, runs }) => ({ target: target.name, cipher, runs }));
}

/** One upload under `node --cpu-prof`: where the server spends its time while it lasts, as lines of text. */
export async function profileUpload(options: UploadOptions, cleanup: Cleanup): Promise<string[]> {
  const bench = await prepare(options, cleanup);
  const [target] = options.targets;
  const [cipher] = options.ciphers;
  if (target === undefined || cipher === undefined) throw new Error('nothing to profile');
  const { nodeFlags, read } = await createProfiler(cleanup, bench.site.folder);
  let within: Interval | undefined;
  const figures = await uploadOnce(bench, target, cipher, { nodeFlags }, (interval) => {
    within = interval;
  });
  const profile = await read();
  if (profile === undefined) throw new Error(`${target.name} wrote no profile; does it run on Node?`);
  const times = selfTimes(profile, within);
  const percent = (share: number) => `${(share * 100).toFixed(1).padStart(5)} %`;
  return [
    `${target.name}, ${cipher}, under the profiler: ${describe(figures)}`,
    '',
    ...times.slice(0, 40).map(({ name, place, share }) => `${percent(share)}  ${name}  ${place}`),
    '',
    'by origin:',
    ...byOrigin(times)
      .slice(0, 15)
      .map(({ origin, share }) => `${percent(share)}  ${origin}`),
  ];
}

async function prepare(options: UploadOptions, cleanup: Cleanup): Promise<Bench> {
  const { bytes, warmUpBytes, latencyMs, say } = options;
  const site = await openSite(cleanup, { latencyMs });
  const { file, inMemory } = await createPayload(cleanup, bytes);
  if (!inMemory) say(`no room in a tmpfs: the client reads its ${formatSize(bytes)} from disk`);
  const warmUp = warmUpBytes > 0 ? await createPayload(cleanup, warmUpBytes) : undefined;
  let uploads = 0;
  const newName = () => `upload-${++uploads}.bin`;
  return { ...options, site, file, warmUpFile: warmUp?.file, newName };
}

async function uploadOnce(
  { site, file, warmUpFile, newName, bytes, roundTripMs }: Bench,
  target: Target,
  cipher: string,
  start: StartOptions = {},
  onInterval: (interval: Interval) => void = () => undefined,
): Promise<Figures> {
  const running = await target.start(site, start);
  const far = await openDistance(site.cleanup, running, roundTripMs);
  try {
    if (warmUpFile !== undefined) {
      await sftpPut(site, far, { cipher, localFile: warmUpFile, name: newName() });
    }
    const name = newName();
    const before = await site.sink.counts();
    const from = profileClock();
    const figures = await meter({ serverPid: running.pid, sinkPid: site.sink.pid }, () =>
      sftpPut(site, far, { cipher, localFile: file, name }),
    );
    onInterval({ from, to: profileClock() });
    const after = await site.sink.counts();
    if (target.usesSink) assertArrived(before, after, { bytes, objects: 1, jobs: target.sendsJobs ? 1 : 0 });
    return figures;
  } finally {
    await far.stop();
  }
}

interface Arrived {
  readonly objects: number;
  readonly bytes: number;
  readonly jobs: number;
}

/** A fast server that loses bytes is no fast server. */
function assertArrived(before: Arrived, after: Arrived, wanted: Arrived): void {
  for (const what of ['bytes', 'objects', 'jobs'] as const) {
    const arrived = after[what] - before[what];
    if (arrived !== wanted[what]) throw new Error(`the sink got ${arrived} of ${wanted[what]} ${what}`);
  }
}

function describe({ wallSeconds, serverCpuSeconds, serverPeakRssBytes }: Figures): string {
  const cpu = serverCpuSeconds === undefined ? '' : `, server CPU ${serverCpuSeconds.toFixed(2)} s`;
  const rss =
    serverPeakRssBytes === undefined
      ? ''
      : `, peak RSS ${((serverPeakRssBytes / GiB) * 1024).toFixed(0)} MiB`;
  return `${wallSeconds.toFixed(2)} s${cpu}${rss}`;
}
