import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ParkedBytes } from '../../src/ssh/parked-bytes.ts';
import { KiB } from '../clients/ssh2-client.ts';

/** Bytes that are all different from their neighbours, from `seed` on. */
const piece = (length: number, seed: number) =>
  Buffer.from(Array.from({ length }, (_, at) => (at + seed) % 251));

const lengths = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 1000, max: 1050 }),
  fc.constantFrom(8 * KiB, 32 * KiB - 1, 32 * KiB, 32 * KiB + 1, 128 * KiB),
);

/** A number is a piece of that length to push, often many times over; `take` takes one block. */
const steps = fc.array(
  fc.oneof(fc.record({ push: lengths, times: fc.constantFrom(1, 3, 300) }), fc.constant('take' as const)),
  { maxLength: 30 },
);

test('whatever is parked comes out as it went in, however much at a time, in few blocks', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const parked = new ParkedBytes();
      const into: Buffer[] = [];
      const out: Buffer[] = [];
      let waiting = 0;
      const take = () => {
        const bytes = parked.shift();
        if (bytes === undefined) return false;
        expect(bytes.length).toBeGreaterThan(0);
        waiting -= bytes.length;
        // As the caller's, it is changed by nothing that is parked later.
        out.push(bytes);
        return true;
      };
      for (const step of all) {
        if (step === 'take') take();
        else
          for (let n = 0; n < (step.push > 4 * KiB ? 1 : step.times); n++) {
            const bytes = piece(step.push, waiting);
            into.push(Buffer.from(bytes));
            parked.push(bytes);
            // The caller's memory is soon another's.
            bytes.fill(255);
            waiting += step.push;
          }
        expect(parked.length).toBe(waiting);
        expect(parked.blocks).toBeLessThanOrEqual(waiting / (32 * KiB) + 8);
      }
      while (take());
      expect(parked.length).toBe(0);
      expect(Buffer.concat(out).equals(Buffer.concat(into))).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test('two MiB that come byte by byte are some seventy objects, and take up to 32 KiB more than that', () => {
  const parked = new ParkedBytes();
  const byte = Buffer.from([1]);
  for (let n = 0; n < 2048 * KiB; n++) parked.push(byte);
  expect(parked.blocks).toBeLessThan(72);
  let allocated = 0;
  for (let block = parked.shift(); block !== undefined; block = parked.shift()) {
    allocated += block.buffer.byteLength;
  }
  expect(allocated).toBeLessThanOrEqual((2048 + 32) * KiB);
});

test('a piece of nothing takes nothing, and what is cleared is gone', () => {
  const parked = new ParkedBytes();
  parked.push(Buffer.alloc(0));
  expect([parked.blocks, parked.shift()]).toEqual([0, undefined]);
  parked.push(Buffer.from('abc'));
  parked.clear();
  expect([parked.length, parked.blocks, parked.shift()]).toEqual([0, 0, undefined]);
  parked.push(Buffer.from('d'));
  expect(String(parked.shift())).toBe('d');
});
