import { setTimeout as delay } from 'node:timers/promises';
import { summarize } from '../../bench/measure/statistics.ts';
import { Running } from '../support/processes.ts';
import { PATIENCE_MS, type Site } from './site.ts';

const ADDRESSES = 500;
const LOGINS = 30;
const UPLOADS = 3;
const UPLOAD_MIB = 256;

/** For the CPU time that the flood alone takes, in milliseconds. */
const SAMPLE_MS = 5000;

interface Seen {
  readonly logins: { readonly p50: number; readonly max: number };
  readonly rate: number;
  readonly rss: number;
}

/** What a partner sees: logins, and uploads of a file of 256 MiB. */
async function watch(site: Site): Promise<Seen> {
  const times: number[] = [];
  for (let count = 0; count < LOGINS; count++) times.push(await site.login());
  const rates: number[] = [];
  for (let count = 0; count < UPLOADS; count++) rates.push(await site.uploadRate(UPLOAD_MIB));
  const [logins, rate] = [summarize(times), summarize(rates)];
  return {
    logins: { p50: logins?.median ?? 0, max: logins?.max ?? 0 },
    rate: rate?.median ?? 0,
    rss: await site.rssMib(),
  };
}

function show({ logins, rate, rss }: Seen): string {
  return `login p50 ${logins.p50.toFixed(0)} ms, max ${logins.max.toFixed(0)} ms; upload ${rate.toFixed(0)} MiB/s; server RSS ${rss} MiB`;
}

/** Keeps `count` connections coming that say nothing, while a partner works. False when the partner had to wait. */
export async function floodSilently(site: Site, count: number): Promise<boolean> {
  const before = await watch(site);
  process.stdout.write(`without a flood: ${show(before)}\n`);
  const args = [site.port, count, ADDRESSES].map(String);
  const crowd = new Running(process.execPath, ['--import', 'tsx', 'test/flood/crowd.ts', ...args]);
  await crowd.line((line) => line === 'all have come');
  const [cpu, at] = [await site.cpuSeconds(), performance.now()];
  await delay(SAMPLE_MS);
  const share = ((await site.cpuSeconds()) - cpu) / ((performance.now() - at) / 1000);
  const during = await watch(site);
  crowd.child.kill('SIGTERM');
  const connections = (await crowd.exited).stdout.split('\n').at(-1);
  const ratio = during.rate / before.rate;
  process.stdout.write(
    `${count} connections that say nothing, from ${ADDRESSES} addresses, ${connections} in all: ${show(during)}\n` +
      `upload rate: ${ratio.toFixed(2)} of that without; the flood alone takes the server ${(100 * share).toFixed(0)} % of a core\n`,
  );
  return during.logins.max < PATIENCE_MS;
}
