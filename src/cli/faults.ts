import { UsersSourceError } from '../auth/users-source.ts';
import { type Config, ConfigError, loadConfig } from '../config/load.ts';
import { loadMaterials, type Materials } from '../materials.ts';

/** Exit code of a command whose configuration or input is wrong. */
export const EXIT_MISCONFIGURED = 2;

/**
 * The configuration and what it names, or all that is wrong with them on stderr and exit code 2.
 * Undefined then: the caller has nothing more to do. `rereadMs` as in `loadMaterials`.
 */
export function loadOrExplain(
  rereadMs?: number,
): Promise<{ config: Config; materials: Materials } | undefined> {
  return orExplain(async () => {
    const config = loadConfig();
    return { config, materials: await loadMaterials(config, rereadMs) };
  });
}

/** What `work` resolves with, or all that is wrong on stderr, exit code 2 and undefined. */
export async function orExplain<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    explain(error);
    process.exitCode = EXIT_MISCONFIGURED;
    return undefined;
  }
}

/** Prints what is wrong, one fault a line, without a stack: none of it is a fault of the program. */
export function explain(error: unknown): void {
  for (const line of faultsOf(error)) process.stderr.write(`sluice: ${line}\n`);
}

function faultsOf(error: unknown): string[] {
  if (error instanceof AggregateError) return error.errors.flatMap(faultsOf);
  if (error instanceof ConfigError || error instanceof UsersSourceError) return [...error.faults];
  return [error instanceof Error ? error.message : String(error)];
}
