import type { StreamingBackend, Upload, WriteOptions } from '../../src/contract/backend.ts';
import { createTestContext } from '../../src/testing/index.ts';
import type { Dice } from '../support/dice.ts';

/** Bytes: of the parts of {@link RandomUpload}s the smallest is as large. */
export const UNIT = 4096;

const LARGEST = 20 * UNIT;

const KINDS = ['empty', 'small', 'stream', 'back and forth', 'base kept', 'exclusive', 'aborted'] as const;
type Kind = (typeof KINDS)[number];

interface Write {
  readonly at: number;
  readonly bytes: Buffer;
}

/** An upload to be made, and what it must come to. */
export interface RandomUpload {
  readonly kind: Kind;
  /** Names its path and its staging objects. */
  readonly name: string;
  /** What stands at its path before. */
  readonly older: Buffer | undefined;
  readonly writes: readonly Write[];
  /** The whole file, if it is stored. */
  readonly newer: Buffer;
  readonly options: WriteOptions;
}

export function randomUpload(dice: Dice, name: string): RandomUpload {
  const kind = dice.pick(KINDS);
  const older =
    kind === 'base kept' || (kind !== 'exclusive' && dice.chance(0.5)) ? content(dice) : undefined;
  const writes = writesOf(dice, kind);
  const truncate = kind !== 'base kept';
  const newer = writes.reduce(apply, truncate ? Buffer.alloc(0) : (older ?? Buffer.alloc(0)));
  const read = kind === 'back and forth' && dice.chance(0.5);
  const exclusive = kind === 'exclusive';
  const options = { create: true, exclusive, truncate, append: false, read };
  return { kind, name, older, writes, newer, options };
}

function writesOf(dice: Dice, kind: Kind): Write[] {
  if (kind === 'empty') return [];
  if (kind === 'small') return [{ at: 0, bytes: dice.bytes(dice.between(1, UNIT)) }];
  if (kind === 'base kept') return someWrites(dice, dice.between(0, 3));
  const stream = inOrder(dice, content(dice));
  return kind === 'back and forth' ? [...stream, ...someWrites(dice, dice.between(1, 3))] : stream;
}

const content = (dice: Dice): Buffer => dice.bytes(dice.between(1, LARGEST));

function inOrder(dice: Dice, bytes: Buffer): Write[] {
  const writes: Write[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + dice.between(1, 3 * UNIT);
    writes.push({ at, bytes: bytes.subarray(at, end) });
    at = end;
  }
  return writes;
}

function someWrites(dice: Dice, count: number): Write[] {
  const write = () => ({ at: dice.between(0, LARGEST), bytes: dice.bytes(dice.between(1, 2 * UNIT)) });
  return Array.from({ length: count }, write);
}

function apply(file: Buffer, { at, bytes }: Write): Buffer {
  const written = Buffer.alloc(Math.max(file.length, at + bytes.length));
  file.copy(written);
  bytes.copy(written, at);
  return written;
}

export type Outcome = 'stored' | 'aborted' | { readonly refusal: unknown };

/** Makes the upload as the session does. */
export async function play(backend: StreamingBackend, planned: RandomUpload): Promise<Outcome> {
  const context = { ...createTestContext(), uploadId: planned.name };
  try {
    const upload = await backend.beginWrite(context, `/${planned.name}`, planned.options);
    const isWhole = await write(upload, planned);
    if (isWhole) await upload.finishWrite();
    return isWhole ? 'stored' : 'aborted';
  } catch (refusal) {
    return { refusal };
  }
}

/** False if the upload was aborted as planned. One that is refused is aborted too; what that leaves is swept. */
async function write(upload: Upload, { kind, writes }: RandomUpload): Promise<boolean> {
  const abort = () => upload.abortWrite().catch(() => undefined);
  try {
    for (const { at, bytes } of writes) await upload.writeChunk(at, Buffer.from(bytes));
  } catch (refusal) {
    await abort();
    throw refusal;
  }
  if (kind === 'aborted') await abort();
  return kind !== 'aborted';
}
