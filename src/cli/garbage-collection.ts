import { setFlagsFromString } from 'node:v8';

/**
 * Lets the heap grow to three times what was alive, by this many per cent, before V8 collects all of it. V8 counts the
 * buffers of an upload to a heap that is small beside them: left to itself, it may collect everything 25 times a second
 * and stay at that, for more than twice the CPU time (docs/adr/0012-garbage-collection.md).
 */
const GROWTH_PERCENT = 200;

export function collectRarely(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
