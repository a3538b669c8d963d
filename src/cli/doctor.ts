import { createConfiguredApp } from '../configured-app.ts';
import type { Backlog } from '../contract/jobs.ts';
import type { Materials } from '../materials.ts';
import { hasNativeCrypto } from '../ssh/native-crypto.ts';
import { createLogger } from '../telemetry/logger.ts';
import { noTelemetry } from '../telemetry/no-telemetry.ts';
import { loadOrExplain, orExplain } from './faults.ts';

/** `sluice doctor`: checks everything the server needs, says what to do about each failure; exit code 0, 1 or 2. */
export async function doctor(): Promise<void> {
  const loaded = await loadOrExplain();
  if (loaded === undefined) return;
  const { config, materials } = loaded;
  report('ok', 'configuration', 'complete');
  for (const { type, fingerprint } of materials.hostKeys) report('ok', 'host key', `${type} ${fingerprint}`);
  if (hasNativeCrypto()) report('ok', 'native crypto', 'loaded');
  else report('SLOW', 'native crypto', 'not built: npm rebuild ssh2, with Python and a C++ compiler at hand');
  let healthy = await reportUsers(materials.identities);
  const dependencies = { log: createLogger('silent'), ...noTelemetry() };
  const app = await orExplain(() => createConfiguredApp(config, materials, dependencies));
  if (app === undefined) return process.exit();
  for (const [name, probe] of app.probes) {
    const result = await probe();
    const good = result.state === 'ok' || result.state === 'unchecked';
    report(good ? 'ok' : 'FAIL', name, result.state === 'ok' ? 'reachable' : result.message);
    healthy &&= good;
  }
  // What waits in the store is of interest once it can be reached.
  for (const [name, backlog] of healthy ? app.backlogs : []) {
    const isWell = reportBacklog(name, await backlog());
    healthy &&= isWell;
  }
  if (config.jobs === undefined) report('ok', 'queue', 'not set (SLUICE_QUEUE_URL): uploads give no jobs');
  process.exit(healthy ? 0 : 1);
}

/** Most sources have been read by now, and say what is wrong with them otherwise. */
async function reportUsers({ summary, probe }: Materials['identities']): Promise<boolean> {
  const result = await probe?.();
  if (result === undefined || result.state === 'ok') report('ok', 'users', summary);
  else report('FAIL', 'users', result.message);
  return result === undefined || result.state === 'ok';
}

function reportBacklog(outbox: string, { waiting, refused }: Backlog): boolean {
  const jobs = (count: number) => `${count} ${count === 1 ? 'event' : 'events'}`;
  report('ok', outbox, waiting === 0 ? 'empty' : `${jobs(waiting)} to be sent`);
  if (refused > 0) report('FAIL', outbox, `${jobs(refused)} set aside: see docs/jobs.md`);
  return refused === 0;
}

/** `SLOW` is a fault that costs time and breaks nothing. */
function report(state: 'ok' | 'SLOW' | 'FAIL', what: string, detail: string): void {
  process.stdout.write(`${state.padEnd(4)} ${what.padEnd(14)} ${detail}\n`);
}
