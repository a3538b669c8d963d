import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cleanup } from '../cleanup.ts';
import { DEFAULT_CIPHER, sftpBatch } from '../client.ts';
import { createPayload } from '../payload.ts';
import { openSite, type Site } from '../site.ts';
import { sluice } from '../targets/sluice.ts';

export interface PaceOptions {
  /** `bytesPerSecond` of the user. */
  readonly bytesPerSecond: number;
  /** For how long files are moved at that pace, in seconds. */
  readonly seconds: number;
  /** How many connections of the user share it, one after the other. */
  readonly sessions: readonly number[];
}

/** What moved in one direction by some connections at once. */
export interface PaceRun {
  readonly direction: 'upload' | 'download';
  readonly sessions: number;
  readonly bytes: number;
  /** From the first login to the end of the last connection. */
  readonly seconds: number;
  /** Of the bytes past the first second's worth, which may come at once, to what was asked for. */
  readonly ratio: number;
}

/** A user with a pace, by the OpenSSH client: is it kept, by one connection and by several? Files are kept in memory. */
export async function measurePace(options: PaceOptions, cleanup: Cleanup): Promise<PaceRun[]> {
  const { bytesPerSecond, seconds, sessions } = options;
  const site = await openSite(cleanup, { latencyMs: 0 });
  const runs: PaceRun[] = [];
  for (const count of sessions) {
    const size = Math.round((bytesPerSecond * (seconds + 1)) / count);
    const { file } = await createPayload(cleanup, size);
    // Each has a server of its own, and so the first second's worth.
    const target = await sluice().start(site, { env: await withPace(site, bytesPerSecond) });
    const move = async (direction: PaceRun['direction']) => {
      const startedAt = performance.now();
      const clients = Array.from({ length: count }, (_, index) => {
        const local = join(site.folder, `got-${index}`);
        const command = direction === 'upload' ? `put "${file}" "/${index}"` : `get "/${index}" "${local}"`;
        return sftpBatch(site, target, { cipher: DEFAULT_CIPHER, command });
      });
      await Promise.all(clients);
      const took = (performance.now() - startedAt) / 1000;
      const bytes = size * count;
      const ratio = (bytes - bytesPerSecond) / took / bytesPerSecond;
      runs.push({ direction, sessions: count, bytes, seconds: took, ratio });
    };
    await move('upload');
    await move('download');
    await target.stop();
  }
  return runs;
}

async function withPace(site: Site, bytesPerSecond: number): Promise<Readonly<Record<string, string>>> {
  const usersFile = join(site.folder, 'users-with-pace.json');
  const user = { username: 'bench', publicKeys: [site.clientKey.publicKey], limits: { bytesPerSecond } };
  await writeFile(usersFile, JSON.stringify({ users: [user] }));
  return { SLUICE_USERS_FILE: usersFile, SLUICE_BACKEND: 'memory' };
}
