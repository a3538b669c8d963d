import { z } from 'zod';
import { isCidr, toCidr } from '../config/values.ts';
import type { PrincipalLimits } from '../contract/context.ts';
import { withoutUndefined } from './without-undefined.ts';

const DAY_MS = 86_400_000;

function wholeNumber(min: number) {
  const error = `must be a whole number from ${min} on`;
  return z.int({ error }).min(min, error).optional();
}

const EXPIRES =
  'must be a date (2027-01-31), which lasts to its end in UTC, or an instant with its zone (2027-01-31T18:00:00Z)';

/** The instant from which on they are kept out, in one spelling. */
const expires = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], { error: EXPIRES })
  .transform((text) => new Date(text.includes('T') ? text : Date.parse(text) + DAY_MS).toISOString());

const ADDRESSES = 'must be subnets or addresses: ["203.0.113.0/24", "2001:db8::7"]';

const addresses = z
  .array(z.string({ error: ADDRESSES }).transform(toCidr).refine(isCidr, ADDRESSES), { error: ADDRESSES })
  .min(1, ADDRESSES)
  .max(256, 'must be 256 subnets at most');

/** `limits` of a user (docs/users.md). What it gives may be read by it again, and stays the same. */
export const limitsField = z
  .strictObject({
    sessions: wholeNumber(1),
    /** A reply of 255 KiB at less would keep a client waiting for longer than it has patience. */
    bytesPerSecond: wholeNumber(1024),
    fileBytes: wholeNumber(1),
    addresses: addresses.optional(),
    expires: expires.optional(),
  })
  .transform((limits) => withoutUndefined(limits) as PrincipalLimits);
