import { fileURLToPath } from 'node:url';
import type { Cleanup } from '../cleanup.ts';
import { DEFAULT_CIPHER, sftpBatch } from '../client.ts';
import { type FiguresWithRequests, meterRequests } from '../measure/meter.ts';
import { startServer } from '../processes.ts';
import { BUCKET, openSite, type Site } from '../site.ts';
import type { RunningTarget, Target } from '../targets/target.ts';
import { ListingCheck } from './entries.ts';

export interface ListingOptions {
  readonly entries: number;
  readonly runs: number;
  readonly targets: readonly Target[];
  /** Of the store, in milliseconds. */
  readonly latencyMs: number;
  readonly say: (line: string) => void;
}

/** `names`: names alone, in the order in which they come. `long`: with size and date, sorted by the client. */
export const LISTINGS = { names: 'ls -1 -f', long: 'ls -l' } as const;
export type Listing = keyof typeof LISTINGS;

/** `first`: by a fresh server. `again`: a second one by the same server, which may have kept something. */
export const TURNS = ['first', 'again'] as const;
export type Turn = (typeof TURNS)[number];

/** The runs of one target with one command in one turn. */
export interface ListingSeries {
  readonly target: string;
  readonly listing: Listing;
  readonly turn: Turn;
  readonly runs: readonly FiguresWithRequests[];
}

interface Store {
  readonly pid: number;
  readonly url: string;
  requests(): Promise<Record<string, number>>;
}

const FOLDER = 'in';

const STORE = fileURLToPath(new URL('../store.ts', import.meta.url));

/** One folder, by the OpenSSH client. Targets take turns, so that what disturbs hits them all. */
export async function measureListings(options: ListingOptions, cleanup: Cleanup): Promise<ListingSeries[]> {
  const { runs, targets, say } = options;
  const site = await openSite(cleanup, { latencyMs: 0 });
  const store = await openStore(options, cleanup);
  const variants = targets.flatMap((target) =>
    (Object.keys(LISTINGS) as Listing[]).map((listing) => ({
      target,
      listing,
      figures: { first: [] as FiguresWithRequests[], again: [] as FiguresWithRequests[] },
    })),
  );
  for (let run = 1; run <= runs; run++) {
    for (const { target, listing, figures } of variants) {
      const server = await target.start(site, { s3Url: store.url });
      try {
        for (const turn of TURNS) {
          const one = await listOnce(site, store, server, listing, options.entries);
          figures[turn].push(one);
          say(`run ${run} of ${runs}, ${target.name}, ${LISTINGS[listing]}, ${turn}: ${describe(one)}`);
        }
      } finally {
        await server.stop();
      }
    }
  }
  return variants.flatMap(({ target, listing, figures }) =>
    TURNS.map((turn) => ({ target: target.name, listing, turn, runs: figures[turn] })),
  );
}

async function listOnce(
  site: Site,
  store: Store,
  server: RunningTarget,
  listing: Listing,
  entries: number,
): Promise<FiguresWithRequests> {
  const check = new ListingCheck();
  const figures = await meterRequests(server.pid, store, () =>
    sftpBatch(site, server, {
      cipher: DEFAULT_CIPHER,
      command: `${LISTINGS[listing]} ${server.remotePath(FOLDER)}`,
      onLine: (line) => check.line(line),
    }),
  );
  check.assertComplete(entries);
  return figures;
}

async function openStore({ entries, latencyMs }: ListingOptions, cleanup: Cleanup): Promise<Store> {
  const flags = { bucket: BUCKET, folder: FOLDER, entries, latency: latencyMs };
  const { pid, ready } = await startServer(
    {
      command: process.execPath,
      args: [
        ...['--import', 'tsx', STORE],
        ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ],
      ready: (line) =>
        line.includes('"listening"') ? (JSON.parse(line) as { url: string; countsPort: number }) : undefined,
    },
    cleanup,
  );
  const requests = async () =>
    (await (await fetch(`http://127.0.0.1:${ready.countsPort}`)).json()) as Record<string, number>;
  return { pid, url: ready.url, requests };
}

function describe({ wallSeconds, serverCpuSeconds, requests }: FiguresWithRequests): string {
  const cpu = serverCpuSeconds === undefined ? '' : `, server CPU ${serverCpuSeconds.toFixed(2)} s`;
  const asked = Object.entries(requests).map(([name, count]) => `, ${count} ${name}`);
  return `${wallSeconds.toFixed(2)} s${cpu}${asked.join('')}`;
}
