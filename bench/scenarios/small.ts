import type { Cleanup } from '../cleanup.ts';
import { accountOn } from '../driver/account.ts';
import { Connection } from '../driver/connection.ts';
import { GeneratedContent } from '../driver/content.ts';
import { difference, type Summary, summarize } from '../measure/statistics.ts';
import { cpuSeconds } from '../measure/timeline.ts';
import { openSite } from '../site.ts';
import { sluice } from '../targets/sluice.ts';
import { lastingFaults } from './arrivals.ts';

/** What is uploaded: it stands in the report too. */
export interface SmallWork {
  readonly files: number;
  /** Of each file, in bytes; one WRITE takes it. */
  readonly size: number;
  /** How long S3 and SQS take for each answer, besides what they do, in milliseconds. */
  readonly latencyMs: number;
}

export interface SmallOptions extends SmallWork {
  /** One run for each: each of so many connections uploads its share, one file after the other. */
  readonly connections: readonly number[];
  readonly say: (line: string) => void;
}

export interface SmallRun {
  readonly connections: number;
  readonly wallSeconds: number;
  /** From OPEN to the answer to CLOSE, in milliseconds. */
  readonly fileMs: Summary | undefined;
  readonly serverCpuSeconds: number | undefined;
  readonly jobs: number;
  readonly jobRequests: number;
  /** Objects and jobs that are wrong, missing or should not be there. */
  readonly faults: readonly string[];
}

/** Each number of connections with a server and a sink of its own. */
export async function measureSmall(options: SmallOptions, cleanup: Cleanup): Promise<SmallRun[]> {
  const runs: SmallRun[] = [];
  for (const connections of options.connections) {
    runs.push(await cleanup.within((own) => runOnce(options, connections, own)));
    options.say(`${connections} connections: done`);
  }
  return runs;
}

async function runOnce(
  { files, size, latencyMs }: SmallOptions,
  connections: number,
  cleanup: Cleanup,
): Promise<SmallRun> {
  const site = await openSite(cleanup, { latencyMs, verify: true });
  const server = await sluice().start(site, { env: {} });
  const account = await accountOn(site, server);
  const clients = await Promise.all(Array.from({ length: connections }, () => Connection.login(account)));
  const names = Array.from({ length: files }, (_, index) => `file-${String(index).padStart(5, '0')}.bin`);

  const cpuBefore = await cpuSeconds(server.pid);
  const start = performance.now();
  const sent = await Promise.all(
    clients.map(async (client, index) => {
      const own = [];
      for (let at = index; at < files; at += connections) {
        own.push(await uploadFile(client, names[at] as string, size));
      }
      client.end();
      return own;
    }),
  );
  const wallSeconds = (performance.now() - start) / 1000;
  const serverCpuSeconds = difference(await cpuSeconds(server.pid), cpuBefore);
  const faults = await lastingFaults(sent.flat(), () => site.sink.contents());
  const { jobs, jobRequests } = await site.sink.counts();
  await server.stop();
  const fileMs = summarize(sent.flat().map(({ ms }) => ms));
  return { connections, wallSeconds, fileMs, serverCpuSeconds, jobs, jobRequests, faults };
}

/** One file by one WRITE, timed from OPEN to the answer to CLOSE. */
export async function uploadFile(client: Connection, name: string, size: number) {
  const content = new GeneratedContent(name);
  const start = performance.now();
  const handle = await client.open(name);
  await client.write(handle, 0, size, (data) => content.fill(data));
  await client.close(handle);
  return { name, size, crc32: content.crc32, ms: performance.now() - start, failure: undefined };
}
