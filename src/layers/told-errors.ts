/** Errors that a log line has told of. */
const told = new WeakSet<object>();

/** A line tells of it, and of what it was met in. */
export function markTold(error: unknown): void {
  if (typeof error === 'object' && error !== null) told.add(error);
}

/** Whether a line has told of it. */
export function isTold(error: unknown): boolean {
  return typeof error === 'object' && error !== null && told.has(error);
}
