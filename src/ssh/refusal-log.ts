import type { Log } from '../contract/log.ts';

/** Between two warnings of one kind, in milliseconds. */
const PAUSE_MS = 60_000;

/**
 * Tells of connections that are refused for `why` (fixed sentences, a few): a warning a minute for each, with how many there were
 * besides, and a line at debug level for every one. Who floods the port does not flood the log, and a load balancer that is set
 * up wrongly is told of at once.
 */
export function createRefusalLog(
  log: Log,
  now: () => number = () => performance.now(),
): (why: string, sourceIp: string) => void {
  const told = new Map<string, { readonly at: number; suppressed: number }>();
  return (why, sourceIp) => {
    const last = told.get(why);
    if (last !== undefined && now() < last.at + PAUSE_MS) {
      last.suppressed += 1;
      log.debug({ sourceIp }, why);
      return;
    }
    log.warn({ sourceIp, ...(last?.suppressed ? { suppressed: last.suppressed } : {}) }, why);
    told.set(why, { at: now(), suppressed: 0 });
  };
}
