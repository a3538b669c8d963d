import { type Config, workerVariables } from '../config/load.ts';
import type { Log } from '../contract/log.ts';
import type { Materials } from '../materials.ts';
import { explain } from './faults.ts';
import { announce, openHealth, protectTask } from './front.ts';
import { aborted, stopSignal } from './stop-signal.ts';
import { WorkerFailed, Workers } from './workers.ts';

/** How much longer than the drain a worker may take to go, in milliseconds: what it has stored is told first. */
const LAST_WORDS_MS = 20_000;

/** `sluice serve` with several workers: starts them, answers for them, and stops them. */
export async function superviseWorkers(config: Config, { hostKeys }: Materials, log: Log): Promise<void> {
  const stop = stopSignal((signal) => log.info({ signal }, 'stopping; once more ends it at once'));
  const workers = new Workers({ count: config.workers, variables: workerVariables(config), log });
  try {
    const health = await openHealth(config, {
      isReady: () => workers.isListening && !stop.aborted,
      answerScrape: undefined,
    });
    const place = await Promise.race([workers.start(), aborted(stop)]);
    if (place !== undefined) {
      const { address, port } = place;
      announce(config, hostKeys, { address, port, healthPort: health.port, workers: config.workers }, log);
      protectTask(config, () => workers.uploads(), log, stop);
      await aborted(stop);
    }
    await workers.stop(config.drainSeconds * 1000 + LAST_WORDS_MS);
    await health.close();
  } catch (error) {
    // It has said itself what is wrong.
    if (!(error instanceof WorkerFailed)) explain(error);
    process.exitCode = error instanceof WorkerFailed ? error.exitCode : 1;
  }
  log.info({}, 'stopped');
  process.exit();
}
