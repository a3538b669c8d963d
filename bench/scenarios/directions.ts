import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sftpBatch } from '../client.ts';
import { madeBytes } from '../made-content.ts';
import { crc32Of, fileCrc32 } from '../measure/checksums.ts';
import { writePayload } from '../payload.ts';
import type { Site } from '../site.ts';
import type { RunningTarget, Target } from '../targets/target.ts';

export type Direction = 'upload' | 'download';

/** A file that can be moved again and again. */
export interface Freight {
  /** Gets ready for moving it once. */
  next(target: Target): Promise<Move>;
}

export interface Move {
  /** By one OpenSSH client, from connecting to its exit. */
  run(server: RunningTarget, cipher: string): Promise<void>;
  /** Rejects unless all of it arrived: a fast server that loses bytes is no fast server. */
  check(): Promise<void>;
}

interface FreightOptions {
  readonly bytes: number;
  /** Where the client's file lies; and, of a download, that of the servers that serve files. */
  readonly folder: string;
}

/** A file that the client has. */
async function freightUp(site: Site, { bytes, folder }: FreightOptions): Promise<Freight> {
  const localFile = join(folder, newName());
  await writePayload(localFile, bytes);
  return {
    next: async (target) => {
      const before = await site.sink.counts();
      return {
        run: (server, cipher) => {
          const command = `put "${localFile}" "${server.remotePath(newName())}"`;
          return sftpBatch(site, server, { cipher, command });
        },
        check: async () => {
          if (!target.usesSink) return;
          const wanted = { bytes, objects: 1, jobs: target.sendsJobs ? 1 : 0 };
          assertArrived(before, await site.sink.counts(), wanted);
        },
      };
    },
  };
}

/** A file that the servers have: an object that the sink makes up, and the same bytes in the folder for those that serve files. */
async function freightDown(site: Site, { bytes, folder }: FreightOptions): Promise<Freight> {
  const name = newName();
  const file = join(folder, name);
  await writePayload(file, bytes);
  await site.sink.make(name, bytes);
  const wanted = await crc32Of(madeBytes(0, bytes));
  return {
    next: async () => {
      const localFile = `${file}.got`;
      return {
        run: (server, cipher) =>
          sftpBatch(site, server, { cipher, command: `get "${server.remotePath(name)}" "${localFile}"` }),
        check: async () => {
          const got = await fileCrc32(localFile);
          await rm(localFile);
          if (got.size !== bytes) throw new Error(`the client got ${got.size} of ${bytes} bytes`);
          if (got.crc32 !== wanted.crc32) throw new Error(`what the client got are ${bytes} other bytes`);
        },
      };
    },
  };
}

/** How a file of some size is made ready for either direction. */
export const FREIGHT: Readonly<Record<Direction, (site: Site, options: FreightOptions) => Promise<Freight>>> =
  { upload: freightUp, download: freightDown };

let names = 0;

/** Of no other file or object of this invocation, so that no run finds what one before has left. */
function newName(): string {
  names += 1;
  return `file-${names}.bin`;
}

interface Arrived {
  readonly objects: number;
  readonly bytes: number;
  readonly jobs: number;
}

function assertArrived(before: Arrived, after: Arrived, wanted: Arrived): void {
  for (const what of ['bytes', 'objects', 'jobs'] as const) {
    const arrived = after[what] - before[what];
    if (arrived !== wanted[what]) throw new Error(`the sink got ${arrived} of ${wanted[what]} ${what}`);
  }
}
