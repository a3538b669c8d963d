import { setMaxListeners } from 'node:events';
import type { Connection, Principal, RequestContext } from '../contract/context.ts';

/** What is to be otherwise in a test's request context. */
export interface TestContextOverrides {
  readonly principal?: Partial<Principal>;
  readonly connection?: Partial<Connection>;
  readonly signal?: AbortSignal;
}

/** A request context for tests: a principal who may do everything, on a connection that stays up. */
export function createTestContext(overrides: TestContextOverrides = {}): RequestContext {
  const { signal = new AbortController().signal } = overrides;
  // One context serves many calls at once here, each of which may listen.
  setMaxListeners(0, signal);
  return {
    principal: { username: 'tester', session: {}, ...overrides.principal },
    connection: {
      id: 'test-connection',
      clientAddress: '192.0.2.1',
      clientPort: 49152,
      clientVersion: 'SluiceTest_1.0',
      ...overrides.connection,
    },
    signal,
  };
}
