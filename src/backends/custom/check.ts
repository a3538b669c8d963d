import type { Backend } from '../../contract/backend.ts';
import type { BackendFactory, ManagedBackend } from '../../contract/backend-source.ts';

/** A backend cannot be had; the message says why, and what would be right. */
export class BackendError extends Error {
  override name = 'BackendError';
}

type Optional = 'readFileRange' | 'beginWrite' | 'storedFile' | 'locate';

/** The operations that every backend has. */
const REQUIRED = Object.keys({
  listDir: true,
  fileInfo: true,
  makeDir: true,
  delDir: true,
  delete: true,
  rename: true,
  readFile: true,
  writeFile: true,
} satisfies Record<Exclude<keyof Backend, 'name' | Optional>, true>);

type Members = Readonly<Record<string, unknown>>;

function hasFunction(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && typeof (value as Members)[name] === 'function';
}

export function isFactory(value: unknown): value is BackendFactory {
  return hasFunction(value, 'init') && !isAttempt(value);
}

/** Whether somebody meant it to be a backend, complete or not. */
export function isAttempt(value: unknown): boolean {
  return REQUIRED.some((operation) => hasFunction(value, operation));
}

/** `what` is said of it in the message. @throws BackendError naming what it lacks. */
export function assertBackend(value: unknown, what: string): asserts value is ManagedBackend {
  if (!isAttempt(value)) throw new BackendError(`${what} must be a backend: ${describeContract()}`);
  const missing = REQUIRED.filter((operation) => !hasFunction(value, operation));
  if (missing.length > 0)
    throw new BackendError(`${what} lacks ${missing.join(', ')}: ${describeContract()}`);
  const { name } = value as Members;
  if (typeof name !== 'string' || name === '')
    throw new BackendError(`${what} lacks its name: a short text for spans and logs`);
}

function describeContract(): string {
  return `an object with name, ${REQUIRED.join(', ')} (docs/custom-backend.md)`;
}
