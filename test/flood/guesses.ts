import { setTimeout as delay } from 'node:timers/promises';
import ssh2 from 'ssh2';
import { summarize } from '../../bench/measure/statistics.ts';
import { USERNAME } from '../support/workspace.ts';
import type { Site } from './site.ts';

const ADDRESSES = 100;

/** Until an address that is kept outside knocks again, in milliseconds. */
const PAUSE_MS = 100;

/** Between two logins of the partner, in milliseconds. */
const LOGIN_EVERY_MS = 200;

/** One connection's guesses: how long each answer took, in milliseconds. None: it was kept outside. */
function guess(site: Site, number: number, mayGuess: () => boolean): Promise<number[]> {
  return new Promise((resolve) => {
    const waits: number[] = [];
    let askedAt: number | undefined;
    const client = new ssh2.Client();
    const answered = () => {
      if (askedAt !== undefined) waits.push(performance.now() - askedAt);
      askedAt = undefined;
    };
    client.on('error', () => undefined);
    client.once('close', () => {
      answered();
      resolve(waits);
    });
    client.connect({
      sock: site.connect(number),
      username: USERNAME,
      readyTimeout: 60_000,
      authHandler: ((): unknown => {
        answered();
        if (!mayGuess()) return false;
        askedAt = performance.now();
        return { type: 'password', username: USERNAME, password: `guess ${Math.random()}` };
      }) as never,
    });
  });
}

/** Tries `count` wrong passwords while a partner elsewhere logs in. False when the partner was kept outside too. */
export async function floodWithGuesses(site: Site, count: number): Promise<boolean> {
  const alone = summarize([
    await site.login('password'),
    await site.login('password'),
    await site.login('password'),
  ]);
  const cpuBefore = await site.cpuSeconds();
  const startedAt = performance.now();
  /** By the how-manieth guess of its connection: how long the answer took. */
  const waits: number[][] = [];
  let [tried, keptOutside, isOver] = [0, 0, false];
  const mayGuess = () => {
    if (tried >= count) return false;
    tried += 1;
    return true;
  };
  const attack = async (number: number) => {
    while (tried < count) {
      const answers = await guess(site, number, mayGuess);
      for (const [index, wait] of answers.entries()) waits[index] = [...(waits[index] ?? []), wait];
      if (answers.length > 0) continue;
      keptOutside += 1;
      tried += 1;
      await delay(PAUSE_MS);
    }
  };
  const logins: number[] = [];
  let refusedLogins = 0;
  const partner = async () => {
    while (!isOver) {
      await site.login('password').then(
        (ms) => logins.push(ms),
        () => {
          refusedLogins += 1;
        },
      );
      await delay(LOGIN_EVERY_MS);
    }
  };
  const logsIn = partner();
  await Promise.all(Array.from({ length: ADDRESSES }, (_, number) => attack(number)));
  isOver = true;
  await logsIn;
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = (await site.cpuSeconds()) - cpuBefore;
  const checked = waits.reduce((sum, ofGuess) => sum + ofGuess.length, 0);
  const seen = summarize(logins);
  const delays = waits.map((ofGuess) => ((summarize(ofGuess)?.median ?? 0) / 1000).toFixed(1));
  process.stdout.write(
    `${tried} wrong passwords from ${ADDRESSES} addresses in ${seconds.toFixed(0)} s: ${checked} checked, ${keptOutside} connections kept outside\n` +
      `answers to the first, second, ... guess of a connection took (median, s): ${delays.join(', ')}\n` +
      `a partner elsewhere logged in ${logins.length} times by password: p50 ${seen?.median.toFixed(0)} ms, max ${seen?.max.toFixed(0)} ms ` +
      `(${alone?.median.toFixed(0)} ms before), ${refusedLogins} refused\n` +
      `server: ${cpu.toFixed(1)} s of CPU, RSS ${await site.rssMib()} MiB\n`,
  );
  return refusedLogins === 0;
}
