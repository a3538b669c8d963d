import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KiB, MiB, patterned, readerOf } from '../support/scripted-reader.ts';

describe('any reads', () => {
  const SIZES = fc.oneof(fc.nat({ max: 300 * KiB }), fc.integer({ min: MiB, max: 14 * MiB }));
  const LENGTHS = fc.oneof(fc.nat({ max: 255 * KiB }), fc.constantFrom(1, 32 * KiB, 255 * KiB));
  /** So many reads one behind the other, from where the last one ended or from elsewhere. */
  const RUN = fc.record({
    from: fc.option(fc.nat({ max: 15 * MiB })),
    length: LENGTHS,
    count: fc.integer({ min: 1, max: 40 }),
    step: fc.constantFrom(1, 1, 1, -1),
  });
  const content = patterned(14 * MiB);

  /** What may go on as it likes: refusals, failures, and the order in which fetches settle. */
  const SURROUNDINGS = fc.record({
    refusals: fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
    failures: fc.array(fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.boolean()), {
      minLength: 1,
      maxLength: 30,
    }),
  });

  test('give the bytes of a plain slice, within 8 MiB that are given back', async () => {
    await fc.assert(
      fc.asyncProperty(
        SIZES,
        fc.array(RUN, { maxLength: 8 }),
        SURROUNDINGS,
        fc.scheduler(),
        async (size, runs, { refusals, failures }, scheduler) => {
          const file = content.subarray(0, size);
          let [asked, begun, failed, refused] = [0, 0, 0, 0];
          const { reader, memory } = readerOf(file, async (bytes, offset) => {
            const fails = failures[begun++ % failures.length];
            await scheduler.schedule(Promise.resolve());
            if (!fails) return bytes;
            failed += 1;
            throw new Error(`no ${offset}`);
          });
          memory.grants = () => !refusals[asked++ % refusals.length];
          let at = 0;
          for (const { from, length, count, step } of runs) {
            at = from ?? at;
            for (let index = 0; index < count && at >= 0; index += 1) {
              const read = async () => await reader.read(at, length);
              const bytes = await scheduler.waitFor(read().catch((error: Error) => error.message));
              if (typeof bytes === 'string') {
                expect(bytes).toMatch(/^no \d/);
                refused += 1;
              } else if (Buffer.compare(bytes, file.subarray(at, at + length)) !== 0) {
                expect.fail(`wrong bytes at ${at}`);
              }
              at += step * length;
            }
            at = Math.max(at, 0);
          }
          expect(refused).toBeLessThanOrEqual(failed);
          expect(memory.mostReservedBytes).toBeLessThanOrEqual(8 * MiB);
          reader.close();
          await scheduler.waitIdle();
          expect(memory.reservedBytes).toBe(0);
        },
      ),
      { numRuns: 400 },
    );
  });
});
