import type { StandardVariables, Variables } from './schema.ts';

/** By the names of the variables. */
export type Effective = Readonly<Record<string, unknown>>;

/** Of which the value is a name or an address of something, whatever they are called. */
const NAMES: readonly string[] = [
  'SLUICE_HOST_KEYS_SECRET',
  'SLUICE_USERS_SECRET',
] satisfies (keyof Variables)[];

/** What may hold a secret: rather one too many. */
const IS_SECRET = /SECRET|PASSWORD|TOKEN|CREDENTIAL|OPTIONS/;

/**
 * The variables as they count, defaults included, for the log: of what may be a secret only that it is set, of addresses the
 * host alone, but for queues, whose names stand in the path.
 */
export function describeVariables(variables: Variables & StandardVariables): Effective {
  return Object.fromEntries(
    Object.entries(variables)
      .filter(([, value]) => value !== undefined && value !== '')
      .map(([name, value]) => [
        name,
        IS_SECRET.test(name) && !NAMES.includes(name) ? '[set]' : shown(name, value),
      ]),
  );
}

function shown(name: string, value: unknown): unknown {
  if (typeof value !== 'string' || !/^https?:/.test(value)) return value;
  const { origin, pathname } = new URL(value);
  return name.includes('QUEUE') ? `${origin}${pathname}` : origin;
}
