import { setTimeout as sleep } from 'node:timers/promises';
import { peakRss, resetPeakRss } from './proc.ts';
import { difference } from './statistics.ts';
import { cpuSeconds } from './timeline.ts';

/** What one server needed for its share of a round. */
export interface Share {
  /** Its steps, without those of the others and without what came after the last. */
  readonly wallSeconds: number;
  /** Of the whole round: its steps, and what it does while the others have theirs and after the last. */
  readonly cpuSeconds: number | undefined;
  /** The highest resident set within the round; within the life of the process where that cannot be reset. */
  readonly peakRssBytes: number | undefined;
}

export interface Round {
  /** From 0; rounds with an odd number begin with the last server. */
  readonly number: number;
  /** The work of each server is cut into so many steps, and they take turns step by step. */
  readonly steps: number;
  /** Passes after the last step: what the servers put off until then is counted. */
  readonly settleMs: number;
}

/**
 * Gives each of several servers that are up already the same work, a step at a time, in turn (A B B A A B ...), so that
 * whatever else the machine does falls on all of them. CPU time is taken over the same span of time for each, so that what they
 * do on their own is counted alike.
 */
export async function playRound<Server extends { readonly pid: number }>(
  servers: readonly Server[],
  { number, steps, settleMs }: Round,
  work: (server: Server, step: number) => Promise<void>,
): Promise<Share[]> {
  const cpu = () => Promise.all(servers.map(({ pid }) => cpuSeconds(pid)));
  const wall = servers.map(() => 0);
  const indices = [...servers.keys()];
  await Promise.all(servers.map(({ pid }) => resetPeakRss(pid)));
  const before = await cpu();
  for (let step = 0; step < steps; step++) {
    const turns = (number * steps + step) % 2 === 0 ? indices : indices.toReversed();
    for (const index of turns) {
      const start = performance.now();
      await work(servers[index] as Server, step);
      wall[index] = (wall[index] as number) + (performance.now() - start) / 1000;
    }
  }
  await sleep(settleMs);
  const after = await cpu();
  return await Promise.all(
    servers.map(async ({ pid }, index) => ({
      wallSeconds: wall[index] as number,
      cpuSeconds: difference(after[index], before[index]),
      peakRssBytes: await peakRss(pid),
    })),
  );
}
