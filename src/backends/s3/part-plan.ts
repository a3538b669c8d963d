import type { ByteRange } from '../../buffers/range-set.ts';
import { FsError } from '../../contract/errors.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** Parts of one size, and the size of the units that they are collected in. Both in bytes. */
export interface Tier {
  readonly parts: number;
  readonly partBytes: number;
  /** Divides `partBytes`. The same, where a part is collected whole. */
  readonly unitBytes: number;
}

/**
 * Small parts first, so that small uploads are cheap, and 10,000 in all, the most that S3 takes. The first 666 parts
 * (14.1 GiB) are collected in memory and sent as they are. No process can hold parts of 5 GiB, and without them 10,000
 * parts do not reach S3's largest object: those are sent in units of 32 MiB and put together within S3.
 *
 * AWS announces objects of up to 50 TB; its documents say 48.8 TiB, which is 10,000 parts of 5 GiB without any smaller
 * one (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html). These reach 50.1 TB.
 */
const TIERS: readonly Tier[] = [
  { parts: 16, partBytes: 5 * MiB, unitBytes: 5 * MiB },
  { parts: 300, partBytes: 8 * MiB, unitBytes: 8 * MiB },
  { parts: 150, partBytes: 16 * MiB, unitBytes: 16 * MiB },
  { parts: 100, partBytes: 32 * MiB, unitBytes: 32 * MiB },
  { parts: 100, partBytes: 64 * MiB, unitBytes: 64 * MiB },
  { parts: 9_334, partBytes: 5 * GiB, unitBytes: 32 * MiB },
];

/** The share of the memory budget that one unit may take, so that several uploads can go on beside each other. */
const UNITS_IN_BUDGET = 4;

/** The tiers for a memory budget: with a small one all parts but the assembled ones are smaller. */
export function tiersFor(budgetBytes: number): readonly Tier[] {
  const sizes = TIERS.map(({ unitBytes }) => unitBytes);
  const fitting = sizes.filter((bytes) => bytes <= budgetBytes / UNITS_IN_BUDGET);
  const most = Math.max(Math.min(...sizes), ...fitting);
  return TIERS.map(({ parts, partBytes, unitBytes }) => {
    const capped = Math.min(unitBytes, most);
    return { parts, partBytes: partBytes === unitBytes ? capped : partBytes, unitBytes: capped };
  });
}

/** What one buffer holds: a whole part, or a piece of a part that is too large for a buffer. */
export interface Unit extends ByteRange {
  /** From 0, over all parts. */
  readonly index: number;
  /** Index of its part, from 0; S3's part number is one more. */
  readonly part: number;
  /** Where it stands among the units of its part, from 0. */
  readonly withinPart: number;
}

/** A part of the plan and the units in it. */
export interface PlannedPart extends ByteRange {
  readonly index: number;
  readonly firstUnit: number;
  readonly units: number;
}

interface Stretch extends Tier {
  readonly firstPart: number;
  readonly firstUnit: number;
  readonly start: number;
  readonly end: number;
  readonly unitsPerPart: number;
}

/** Which part, and which unit of it, holds a byte: a function of its offset alone, whatever came before. */
export class PartPlan {
  /** One past the last byte that there is a part for. */
  readonly maxBytes: number;
  readonly #stretches: readonly Stretch[];

  constructor(tiers: readonly Tier[]) {
    const stretches: Stretch[] = [];
    let [firstPart, firstUnit, start] = [0, 0, 0];
    for (const tier of tiers) {
      const unitsPerPart = tier.partBytes / tier.unitBytes;
      const end = start + tier.parts * tier.partBytes;
      stretches.push({ ...tier, firstPart, firstUnit, start, end, unitsPerPart });
      firstPart += tier.parts;
      firstUnit += tier.parts * unitsPerPart;
      start = end;
    }
    this.#stretches = stretches;
    this.maxBytes = start;
  }

  /** @throws FsError `EFBIG` past {@link maxBytes}. */
  unitAt(offset: number): Unit {
    const stretch = this.#find(({ end }) => offset < end);
    return this.#unitIn(
      stretch,
      stretch.firstUnit + Math.floor((offset - stretch.start) / stretch.unitBytes),
    );
  }

  /** @throws FsError `EFBIG`. */
  unit(index: number): Unit {
    return this.#unitIn(
      this.#find(({ firstUnit, parts, unitsPerPart }) => index < firstUnit + parts * unitsPerPart),
      index,
    );
  }

  /** The units that a range lies in, in order, with the bytes of each. @throws FsError `EFBIG`. */
  *cut(range: ByteRange): Generator<ByteRange & { readonly unit: Unit }> {
    for (let start = range.start; start < range.end; ) {
      const unit = this.unitAt(start);
      const end = Math.min(range.end, unit.end);
      yield { unit, start, end };
      start = end;
    }
  }

  /** @throws FsError `EFBIG`. */
  part(index: number): PlannedPart {
    const { start, partBytes, firstPart, firstUnit, unitsPerPart } = this.#find(
      (stretch) => index < stretch.firstPart + stretch.parts,
    );
    const at = start + (index - firstPart) * partBytes;
    return {
      index,
      start: at,
      end: at + partBytes,
      firstUnit: firstUnit + (index - firstPart) * unitsPerPart,
      units: unitsPerPart,
    };
  }

  #find(matches: (stretch: Stretch) => boolean): Stretch {
    const stretch = this.#stretches.find(matches);
    if (stretch === undefined) throw new FsError('EFBIG', `files have at most ${this.maxBytes} bytes`);
    return stretch;
  }

  #unitIn({ start, firstUnit, firstPart, unitBytes, unitsPerPart }: Stretch, index: number): Unit {
    const at = start + (index - firstUnit) * unitBytes;
    return {
      index,
      part: firstPart + Math.floor((index - firstUnit) / unitsPerPart),
      withinPart: (index - firstUnit) % unitsPerPart,
      start: at,
      end: at + unitBytes,
    };
  }
}
