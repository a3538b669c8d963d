import type { EnvName } from './env-names.ts';

const MiB = 1024 * 1024;

/** Of a configuration, what the workers have together. */
interface Shared {
  readonly workers: number;
  readonly memoryBudgetBytes: number;
  readonly spool: { readonly bytes: number } | undefined;
  readonly maxSessions: number;
}

/** What one of several worker processes has instead of the variables of the whole: its share of what there is once. */
export function workerVariables({
  workers,
  memoryBudgetBytes,
  spool,
  maxSessions,
}: Shared): Readonly<Partial<Record<EnvName, string>>> {
  const shareMib = (bytes: number) => String(Math.floor(bytes / MiB / workers));
  return {
    SLUICE_WORKERS: '1',
    SLUICE_MEMORY_BUDGET_MIB: shareMib(memoryBudgetBytes),
    SLUICE_SPOOL_MIB: shareMib(spool?.bytes ?? 0),
    SLUICE_MAX_SESSIONS: String(Math.ceil(maxSessions / workers)),
  };
}
