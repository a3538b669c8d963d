import type { Cleanup } from '../cleanup.ts';
import { byOrigin, type Interval, selfTimes } from '../measure/cpu-profile.ts';
import { createProfiler, profileClock } from '../measure/cpu-profiler.ts';
import { type Figures, type FiguresWithRequests, meterRequests } from '../measure/meter.ts';
import { openDistance } from '../open-distance.ts';
import { roomyFolder } from '../payload.ts';
import type { Series } from '../reports/transfer.ts';
import { openSite, type Site } from '../site.ts';
import { GiB } from '../sizes.ts';
import type { StartOptions, Target } from '../targets/target.ts';
import { type Direction, FREIGHT, type Freight } from './directions.ts';

export interface TransferOptions {
  readonly direction: Direction;
  readonly bytes: number;
  readonly runs: number;
  readonly targets: readonly Target[];
  readonly ciphers: readonly string[];
  /** Bytes moved by each fresh server before it is measured; 0 measures it cold. */
  readonly warmUpBytes: number;
  /** Of the sink, in milliseconds. */
  readonly latencyMs: number;
  /** Between client and server, in milliseconds; 0 goes straight to the server. */
  readonly roundTripMs: number;
  /** Told what is going on, a line at a time. */
  readonly say: (line: string) => void;
}

interface Bench extends TransferOptions {
  readonly site: Site;
  readonly freight: Freight;
  readonly warmUp: Freight | undefined;
  readonly start: StartOptions;
}

/** One file, one connection, by the OpenSSH client. Targets take turns, so that what disturbs hits them all. */
export async function measureTransfers(options: TransferOptions, cleanup: Cleanup): Promise<Series[]> {
  const bench = await prepare(options, cleanup);
  const variants = options.targets.flatMap((target) =>
    options.ciphers.map((cipher) => ({ target, cipher, runs: [] as FiguresWithRequests[] })),
  );
  for (let run = 1; run <= options.runs; run++) {
    for (const { target, cipher, runs } of variants) {
      const figures = await transferOnce(bench, target, cipher);
      runs.push(figures);
      options.say(`run ${run} of ${options.runs}, ${target.name}, ${cipher}: ${describe(figures)}`);
    }
  }
  return variants.map(({ target, cipher, runs }) => ({ target: target.name, cipher, runs }));
}

/** One transfer under `node --cpu-prof`: where the server spends its time while it lasts, as lines of text. */
export async function profileTransfer(options: TransferOptions, cleanup: Cleanup): Promise<string[]> {
  const bench = await prepare(options, cleanup);
  const [target] = options.targets;
  const [cipher] = options.ciphers;
  if (target === undefined || cipher === undefined) throw new Error('nothing to profile');
  const { nodeFlags, read } = await createProfiler(cleanup, bench.site.folder);
  let within: Interval | undefined;
  const figures = await transferOnce(bench, target, cipher, { nodeFlags }, (interval) => {
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

async function prepare(options: TransferOptions, cleanup: Cleanup): Promise<Bench> {
  const { direction, bytes, warmUpBytes, latencyMs, say } = options;
  const site = await openSite(cleanup, { latencyMs });
  const copies = direction === 'upload' ? 1 : 2;
  const { path: folder, inMemory } = await roomyFolder(cleanup, copies * (bytes + warmUpBytes));
  if (!inMemory) say('no room in a tmpfs: the files lie on disk');
  const load = FREIGHT[direction];
  const freight = await load(site, { bytes, folder });
  const warmUp = warmUpBytes > 0 ? await load(site, { bytes: warmUpBytes, folder }) : undefined;
  const start = direction === 'download' ? { folder } : {};
  return { ...options, site, freight, warmUp, start };
}

async function transferOnce(
  { site, freight, warmUp, start, roundTripMs }: Bench,
  target: Target,
  cipher: string,
  options: StartOptions = {},
  onInterval: (interval: Interval) => void = () => undefined,
): Promise<FiguresWithRequests> {
  const running = await target.start(site, { ...start, ...options });
  const far = await openDistance(site.cleanup, running, roundTripMs);
  try {
    const first = await warmUp?.next(target);
    await first?.run(far, cipher);
    await first?.check();
    const move = await freight.next(target);
    const from = profileClock();
    const figures = await meterRequests(running.pid, site.sink, () => move.run(far, cipher));
    onInterval({ from, to: profileClock() });
    await move.check();
    return figures;
  } finally {
    await far.stop();
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
