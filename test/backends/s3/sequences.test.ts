import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createS3Backend } from '../../../src/backends/s3/backend.ts';
import { PartPlan, type Tier } from '../../../src/backends/s3/part-plan.ts';
import { MemoryBudget } from '../../../src/buffers/budget.ts';
import { Spool } from '../../../src/buffers/spool.ts';
import type { StreamingBackend, Upload } from '../../../src/contract/backend.ts';
import { FsError } from '../../../src/contract/errors.ts';
import { createTestContext } from '../../../src/testing/index.ts';
import { createS3Subject, type S3Subject } from '../../support/s3-subject.ts';
import { type StrictS3, startStrictS3 } from '../../support/strict-s3/server.ts';

/**
 * Parts of some bytes, among them parts of several units. A file of 150 bytes meets every kind of boundary, of unit, part and
 * tier, and has few enough of each that a sequence takes some twenty requests.
 */
const TIERS: readonly Tier[] = [
  { parts: 2, partBytes: 10, unitBytes: 10 },
  { parts: 2, partBytes: 20, unitBytes: 20 },
  { parts: 100, partBytes: 40, unitBytes: 20 },
];
const SIZE = 150;
const BUCKET = 'bucket';

let s3: StrictS3;
let subject: S3Subject;
let sourceEtag: string;
beforeEach(async () => {
  s3 = await startStrictS3({ buckets: [BUCKET], minPartBytes: 10 });
  subject = createS3Subject(s3.endpoint, BUCKET);
  sourceEtag = s3.seed(BUCKET, 'source', SOURCE).etag.replaceAll('"', '');
});
afterEach(async () => {
  subject.close();
  await s3.close();
});

type Step =
  | { readonly do: 'write'; readonly at: number; readonly length: number; readonly byte: number }
  | { readonly do: 'sequential'; readonly length: number; readonly byte: number }
  | { readonly do: 'size'; readonly to: number }
  | { readonly do: 'read'; readonly at: number; readonly length: number }
  | { readonly do: 'copy'; readonly at: number; readonly from: number; readonly length: number };

const byte = fc.integer({ min: 1, max: 255 });
const write = fc.record({
  do: fc.constant('write' as const),
  at: fc.nat(SIZE),
  length: fc.nat(60),
  byte,
});
const sequential = fc.record({ do: fc.constant('sequential' as const), length: fc.nat(60), byte });
const size = fc.record({ do: fc.constant('size' as const), to: fc.nat(SIZE) });
const read = fc.record({ do: fc.constant('read' as const), at: fc.nat(SIZE), length: fc.nat(100) });
const copy = fc.record({
  do: fc.constant('copy' as const),
  at: fc.nat(SIZE),
  from: fc.nat(100),
  length: fc.nat(100),
});

/** A plain file: what POSIX would hold. */
class PlainFile {
  bytes = Buffer.alloc(0);

  setSize(size: number): void {
    const resized = Buffer.alloc(size);
    this.bytes.copy(resized);
    this.bytes = resized;
  }

  write(at: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (at + bytes.length > this.bytes.length) this.setSize(at + bytes.length);
    this.bytes.set(bytes, at);
  }
}

const SOURCE = Buffer.from(Array.from({ length: 200 }, (_, index) => (index * 31) % 251));

async function play(
  upload: Upload,
  plain: PlainFile,
  steps: readonly Step[],
  options: { readonly append: boolean; readonly reads: boolean },
): Promise<void> {
  for (const step of steps) {
    switch (step.do) {
      case 'write':
      case 'sequential': {
        const at = step.do === 'write' ? step.at : plain.bytes.length;
        const bytes = Buffer.alloc(step.length, step.byte);
        await upload.writeChunk(at, bytes);
        plain.write(options.append ? plain.bytes.length : at, bytes);
        bytes.fill(0xee);
        break;
      }
      case 'size':
        await upload.setSize(step.to);
        plain.setSize(step.to);
        break;
      case 'read': {
        if (!options.reads) break;
        const expected = plain.bytes.subarray(step.at, step.at + step.length);
        expect(Buffer.from(await upload.readChunk(step.at, step.length))).toEqual(Buffer.from(expected));
        break;
      }
      case 'copy': {
        const range = { offset: step.from, length: step.length, etag: sourceEtag };
        await upload.copyChunk?.('/source', range, step.at);
        plain.write(step.at, SOURCE.subarray(step.from, step.from + step.length));
      }
    }
    expect(upload.size).toBe(plain.bytes.length);
  }
}

let files = 0;

/** Plays the steps to a backend and to a plain file; the same bytes, or a refusal and nothing at all. */
async function compare(
  backend: StreamingBackend,
  initial: Buffer | undefined,
  steps: readonly Step[],
  options: { readonly append: boolean; readonly reads: boolean; readonly mayRefuse: boolean },
): Promise<'right' | 'refused'> {
  const key = `file-${files++}`;
  const path = `/${key}`;
  const plain = new PlainFile();
  if (initial !== undefined) {
    s3.seed(BUCKET, key, initial);
    plain.write(0, initial);
  }
  const { append, reads } = options;
  const upload = await backend.beginWrite(createTestContext(), path, {
    create: true,
    exclusive: false,
    truncate: false,
    append,
    read: reads,
  });
  try {
    await play(upload, plain, steps, { append, reads });
  } catch (error) {
    if (!options.mayRefuse || !(error instanceof FsError) || error.code !== 'ENOTSUP') throw error;
    await upload.abortWrite();
    return 'refused';
  }
  const stored = await upload.finishWrite();
  // Tens of thousands of them would only keep the collector of garbage busy.
  s3.clearRequests();
  expect(stored.size).toBe(plain.bytes.length);
  expect(Buffer.from(s3.objects(BUCKET).get(key)?.body ?? [])).toEqual(plain.bytes);
  return 'right';
}

function assertClean(budget: MemoryBudget, spool?: Spool): void {
  expect(s3.openUploads(BUCKET)).toEqual([]);
  expect([...s3.objects(BUCKET).keys()].filter((key) => key.startsWith('.sluice/'))).toEqual([]);
  expect(budget.usedBytes).toBe(0);
  expect(spool?.usedBytes ?? 0).toBe(0);
}

const initial = fc.option(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  { nil: undefined },
);

describe('any sequence of requests leaves what a plain file would hold', () => {
  test.each([
    ['read and written by one handle', 1000, { append: false, reads: true, mayRefuse: false }],
    ['written only', 800, { append: false, reads: false, mayRefuse: false }],
    ['appended to', 200, { append: true, reads: false, mayRefuse: false }],
  ])('%s', { timeout: 240_000 }, async (_, numRuns, options) => {
    const budget = new MemoryBudget(1024 * 1024);
    const plan = new PartPlan(TIERS);
    const backend = createS3Backend({ storeOf: () => subject.store, prefix: '', budget, plan });
    const steps = fc.array(
      options.append
        ? fc.oneof(sequential, size)
        : fc.oneof({ arbitrary: sequential, weight: 3 }, { arbitrary: write, weight: 3 }, size, read, copy),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(initial, steps, async (content, list) => {
        await compare(backend, content, list, options);
      }),
      { numRuns },
    );
    assertClean(budget);
  });

  test('with next to no memory, on disk: the same bytes, or a refusal', { timeout: 240_000 }, async () => {
    const budget = new MemoryBudget(60, { reliefMs: 1, idleMs: 2, soonMs: 2 });
    const spool = new Spool(tmpdir(), 100);
    const plan = new PartPlan(TIERS);
    const backend = createS3Backend({ storeOf: () => subject.store, prefix: '', budget, spool, plan });
    const outcomes = { right: 0, refused: 0 };
    const steps = fc.array(fc.oneof({ arbitrary: sequential, weight: 3 }, write, size, read), {
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(initial, steps, fc.boolean(), async (content, list, reads) => {
        const options = { append: false, reads, mayRefuse: !reads };
        outcomes[await compare(backend, content, list, options)] += 1;
      }),
      {
        numRuns: 200,
        examples: [
          // The last unit is on disk and waits for memory that the others hold when CLOSE comes.
          [
            Buffer.alloc(6, 1),
            [
              { do: 'sequential', length: 20, byte: 183 },
              { do: 'write', at: 111, length: 29, byte: 49 },
            ],
            false,
          ],
          // One is on disk and waits for memory that the others hold when the size is set.
          [
            Buffer.alloc(3, 1),
            [
              { do: 'sequential', length: 8, byte: 146 },
              { do: 'write', at: 96, length: 17, byte: 164 },
              { do: 'write', at: 116, length: 24, byte: 205 },
              { do: 'size', to: 127 },
            ],
            true,
          ],
        ],
      },
    );
    expect(outcomes.right).toBeGreaterThan(outcomes.refused);
    assertClean(budget, spool);
  });
});
