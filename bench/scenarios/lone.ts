import { fileURLToPath } from 'node:url';
import type { Cleanup } from '../cleanup.ts';
import { accountOn } from '../driver/account.ts';
import { Connection } from '../driver/connection.ts';
import { type Summary, summarize } from '../measure/statistics.ts';
import { openSite, type Site } from '../site.ts';
import { sluice } from '../targets/sluice.ts';
import { uploadFile } from './small.ts';

/** What is uploaded: it stands in the report too. */
export interface LoneWork {
  /** Uploads to each server. */
  readonly pairs: number;
  /** Of each file, in bytes; one WRITE takes it. */
  readonly size: number;
  readonly latencyMs: number;
}

export interface LoneRun {
  /** From OPEN to the answer to CLOSE, in milliseconds. */
  readonly batching: Summary | undefined;
  readonly without: Summary | undefined;
  /** Of each pair: the one with batching divided by the one without. */
  readonly ratio: Summary | undefined;
}

const UNBATCHED = fileURLToPath(new URL('../targets/unbatched.mjs', import.meta.url));

/**
 * One connection to each of two servers, alike but that one of them sends every job at once by itself. Files go one at a
 * time, to either in turn, so that whatever else the machine does falls on both.
 */
export async function measureLone(work: LoneWork, cleanup: Cleanup): Promise<LoneRun> {
  const site = await openSite(cleanup, { latencyMs: work.latencyMs });
  const [batching, without] = [await login(site, []), await login(site, ['--import', UNBATCHED])];
  const ms = { batching: [] as number[], without: [] as number[] };
  const timed = async (client: Connection, name: string) => (await uploadFile(client, name, work.size)).ms;
  for (let pair = 0; pair < work.pairs; pair++) {
    const [one, other] = [() => timed(batching, `a-${pair}`), () => timed(without, `b-${pair}`)];
    // Whoever goes second may find the machine warmer.
    const otherFirst = pair % 2 === 1 ? await other() : undefined;
    ms.batching.push(await one());
    ms.without.push(otherFirst ?? (await other()));
  }
  for (const client of [batching, without]) client.end();
  return {
    batching: summarize(ms.batching),
    without: summarize(ms.without),
    ratio: summarize(ms.batching.map((value, index) => value / (ms.without[index] as number))),
  };
}

async function login(site: Site, nodeFlags: readonly string[]): Promise<Connection> {
  const server = await sluice().start(site, { nodeFlags });
  return await Connection.login(await accountOn(site, server));
}
