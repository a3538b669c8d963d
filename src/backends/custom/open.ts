import type {
  BackendFactory,
  BackendSurroundings,
  CreatedBackend,
  ManagedBackend,
} from '../../contract/backend-source.ts';
import { assertBackend, BackendError, isFactory } from './check.ts';

/** How it is named in messages, and what its factory is given. */
export interface CustomBackendOptions {
  readonly what: string;
  readonly options: unknown;
}

/**
 * A backend of somebody else's, ready for the service.
 * @throws BackendError when it is none, or its factory fails.
 */
export async function openCustomBackend(
  source: BackendFactory | ManagedBackend,
  { what, options }: CustomBackendOptions,
  surroundings: BackendSurroundings,
): Promise<CreatedBackend> {
  const backend = isFactory(source) ? await initialize(source, options, what, surroundings) : source;
  assertBackend(backend, isFactory(source) ? `what init of ${what} returns` : what);
  return toCreatedBackend(backend);
}

/** With what a backend leaves out of its lifecycle. */
export function toCreatedBackend(backend: ManagedBackend): CreatedBackend {
  return {
    backend,
    outboxStore: undefined,
    standsOn: 'backend',
    probe: async () => {
      try {
        return (await backend.probe?.()) ?? { state: 'ok' };
      } catch (error) {
        return { state: 'unreachable', message: `the ${backend.name} backend: ${toReason(error)}` };
      }
    },
    start: () => backend.start?.(),
    close: async () => await backend.close?.(),
  };
}

async function initialize(
  factory: BackendFactory,
  options: unknown,
  what: string,
  surroundings: BackendSurroundings,
): Promise<ManagedBackend> {
  try {
    return await factory.init(options, surroundings);
  } catch (error) {
    throw new BackendError(`${what} cannot be initialised: ${toReason(error)}`, { cause: error });
  }
}

function toReason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
