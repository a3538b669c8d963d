import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { encodeCrc32 } from '../../test/support/strict-s3/checksums.ts';
import type { Cleanup } from '../cleanup.ts';
import { sftpBatch } from '../client.ts';
import { GeneratedContent } from '../driver/content.ts';
import { fileCrc32 } from '../measure/checksums.ts';
import { type FiguresWithRequests, meterRequests } from '../measure/meter.ts';
import { openDistance } from '../open-distance.ts';
import { roomyFolder } from '../payload.ts';
import { openSite, type Site } from '../site.ts';
import { KiB } from '../sizes.ts';
import type { Target } from '../targets/target.ts';
import { faultsOf, lastingFaults, type Sent } from './arrivals.ts';

/** What is uploaded: it stands in the report too. */
export interface ManyWork {
  /** In all, whatever the connections. */
  readonly files: number;
  /** Of each file, in bytes. */
  readonly size: number;
  readonly cipher: string;
  readonly latencyMs: number;
  readonly roundTripMs: number;
}

export interface ManyOptions extends ManyWork {
  /** Each of so many clients uploads a folder with its share of the files. */
  readonly connections: readonly number[];
  readonly runs: number;
  readonly targets: readonly Target[];
  readonly say: (line: string) => void;
}

/** The runs of one target with one number of connections. */
export interface ManySeries {
  readonly target: string;
  readonly connections: number;
  readonly runs: readonly FiguresWithRequests[];
}

/** A folder for each connection, and what is in it. */
interface Share {
  readonly folder: string;
  readonly files: readonly Omit<Sent, 'failure'>[];
}

/** A small file takes at least so much of a disk or a tmpfs. */
const BLOCK_BYTES = 4 * KiB;

/** Folders of small files, by the `put -r` of OpenSSH clients. Targets take turns, so that what disturbs hits them all. */
export async function measureMany(options: ManyOptions, cleanup: Cleanup): Promise<ManySeries[]> {
  const { files, size, connections, runs, targets, latencyMs, say } = options;
  const site = await openSite(cleanup, { latencyMs, verify: true });
  const bytes = files * (size + BLOCK_BYTES) * (connections.length + 1);
  const { path: folder, inMemory } = await roomyFolder(cleanup, bytes);
  if (!inMemory) say('no room in a tmpfs: the files lie on disk');
  const variants = await Promise.all(
    connections.map(async (count) => ({
      count,
      shares: await writeShares(join(folder, `over-${count}`), count, options),
    })),
  );
  const all = targets.flatMap((target) =>
    variants.map((variant) => ({ ...variant, target, runs: [] as FiguresWithRequests[] })),
  );
  for (let run = 1; run <= runs; run++) {
    for (const { target, count, shares, runs: done } of all) {
      const figures = await uploadOnce(site, target, shares, join(folder, 'server'), options);
      done.push(figures);
      const rate = (files / figures.wallSeconds).toFixed(0);
      say(`run ${run} of ${runs}, ${target.name}, ${count} connections: ${rate} files/s`);
    }
  }
  return all.map(({ target, count, runs }) => ({ target: target.name, connections: count, runs }));
}

async function writeShares(
  folder: string,
  count: number,
  { files, size }: Pick<ManyWork, 'files' | 'size'>,
): Promise<Share[]> {
  const shares = Array.from({ length: count }, (_, at) => ({
    folder: join(folder, `share-${at}`),
    files: [] as Share['files'][number][],
  }));
  for (const share of shares) await mkdir(share.folder, { recursive: true });
  for (let at = 0; at < files; at++) {
    const share = shares[at % count] as (typeof shares)[number];
    const name = `file-${String(at).padStart(6, '0')}.bin`;
    const content = new GeneratedContent(name);
    const bytes = Buffer.alloc(size);
    content.fill(bytes);
    await writeFile(join(share.folder, name), bytes);
    share.files.push({ name, size, crc32: content.crc32 });
  }
  return shares;
}

async function uploadOnce(
  site: Site,
  target: Target,
  shares: readonly Share[],
  folder: string,
  { cipher, roundTripMs }: ManyWork,
): Promise<FiguresWithRequests> {
  await mkdir(folder);
  const running = await target.start(site, { folder });
  const far = await openDistance(site.cleanup, running, roundTripMs);
  const nameOf = (at: number) => `in-${at}`;
  try {
    const figures = await meterRequests(running.pid, site.sink, async () => {
      await Promise.all(
        shares.map((share, at) => {
          const command = `put -r "${share.folder}" "${far.remotePath(nameOf(at))}"`;
          return sftpBatch(site, far, { cipher, command });
        }),
      );
    });
    const sent = shares.flatMap(({ files }, at) =>
      files.map((file) => ({ ...file, name: `${nameOf(at)}/${file.name}` })),
    );
    const [fault, ...others] = target.usesSink
      ? await lastingFaults(sent, () => site.sink.contents(), target.sendsJobs ? 1 : 0)
      : faultsOf(sent, { objects: await filesBelow(folder), jobs: [], openUploads: 0 }, 0);
    if (fault !== undefined) throw new Error(`${target.name}: ${fault}, and ${others.length} faults more`);
    return figures;
  } finally {
    await far.stop();
    await site.sink.forget();
    await rm(folder, { recursive: true });
  }
}

/** As the sink lists its objects. */
async function filesBelow(folder: string) {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return await Promise.all(
    files.map(async (file) => {
      const { size, crc32 } = await fileCrc32(file);
      return { key: relative(folder, file), size, crc32: encodeCrc32(crc32) };
    }),
  );
}
