import type { Construct } from 'constructs';

/** Throws once, naming the construct and every fault found in its props; does nothing when there are none. */
export function refuseFaults(construct: Construct, faults: readonly string[]): void {
  if (faults.length === 0) return;
  throw new Error([`${construct.node.path}: invalid props`, ...faults].join('\n  - '));
}

/** A fault when a number is given that is not whole or lies outside the limits, which are included. */
export function wholeNumberFaults(
  name: string,
  value: number | undefined,
  min: number,
  max: number,
): string[] {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return [];
  return [`${name} must be a whole number from ${min} to ${max}, not ${value}`];
}

/** A fault for each given prop that would shape a new resource where an existing one was passed in. */
export function conflictFaults(existing: string, props: object): string[] {
  return Object.entries(props)
    .filter(([, value]) => value !== undefined)
    .map(([name]) => `${name} has no effect on a resource passed in; leave out ${name} or ${existing}`);
}
