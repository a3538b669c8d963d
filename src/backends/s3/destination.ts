import { isDeepStrictEqual } from 'node:util';
import type { ByteRange } from '../../buffers/range-set.ts';
import type { StoredFile } from '../../contract/types.ts';
import { ANY, type WriteCondition } from './conditions.ts';
import type { ObjectSource } from './contents.ts';
import { describeAnew } from './copy-object.ts';
import { MultipartUpload } from './multipart.ts';
import type { PartPlan, PlannedPart, Unit } from './part-plan.ts';
import { putObject } from './put-object.ts';
import type { ObjectHeaders, ObjectStore } from './store.ts';

export interface DestinationOptions {
  readonly store: ObjectStore;
  readonly plan: PartPlan;
  readonly key: string;
  /** Unique to the upload: names its staging objects. */
  readonly id: string;
  readonly condition: WriteCondition;
  readonly headers: () => ObjectHeaders;
  readonly signal: AbortSignal;
}

/**
 * Where the units of one upload go in S3.
 *
 * *Straight*: into the multipart upload of the object itself, or, for a part of several units, into that of a staging
 * object which becomes the part when it is whole. Cheap, but nothing can be read back before that.
 *
 * *Aside*: each into a staging object of its own, which can be read, replaced, and copied into its part at the end.
 */
export class Destination {
  readonly #options: DestinationOptions;
  readonly #object: MultipartUpload;
  readonly #assembling = new Map<number, MultipartUpload>();
  readonly #straight = new Set<number>();
  readonly #staged: string[] = [];
  /** What each part that was copied is a copy of. */
  readonly #copied = new Map<number, string>();
  #begunWith: ObjectHeaders = {};
  #isComplete = false;

  constructor(options: DestinationOptions) {
    this.#options = options;
    const { store, key, condition, signal } = options;
    const headers = () => {
      this.#begunWith = options.headers();
      return this.#begunWith;
    };
    this.#object = new MultipartUpload({ store, key, condition, headers, signal });
  }

  get straightUnits(): ReadonlySet<number> {
    return this.#straight;
  }

  hasStraight(unit: number): boolean {
    return this.#straight.has(unit);
  }

  /** Whether every unit of a part went straight. */
  hasWhole({ firstUnit, units }: PlannedPart): boolean {
    for (let unit = firstUnit; unit < firstUnit + units; unit++) if (!this.#straight.has(unit)) return false;
    return true;
  }

  async sendStraight(unit: Unit, body: Buffer, crc: number): Promise<void> {
    const part = this.#options.plan.part(unit.part);
    if (part.units === 1) await this.#object.sendPart(unit.part, body, crc);
    else await this.#assembly(unit.part).sendPart(unit.withinPart, body, crc);
    this.#copied.delete(unit.part);
    this.#straight.add(unit.index);
  }

  /** The unit's bytes are no longer the ones that were sent. */
  forget(unit: number): void {
    this.#straight.delete(unit);
  }

  async putAside(unit: Unit, body: Buffer, crc: number): Promise<ObjectSource> {
    const { store, signal } = this.#options;
    const key = this.#stagingKey(`unit-${unit.index}`);
    const stored = await putObject(store, { key, body, crc, condition: ANY, signal });
    return { key, etag: stored.etag ?? '', offset: 0 };
  }

  /** Fills a unit of a part that is being assembled, or a part of one unit, from an object. */
  async copyUnit(unit: Unit, source: ObjectSource, length: number): Promise<void> {
    const part = this.#options.plan.part(unit.part);
    if (part.units === 1) return await this.copyPart(part, source, length);
    await this.#assembly(unit.part).copyPart(unit.withinPart, source, length);
    this.#straight.add(unit.index);
  }

  /** Fills a whole part from an object, unless it is that copy already. */
  async copyPart(part: PlannedPart, source: ObjectSource, length: number): Promise<void> {
    const what = `${source.key} ${source.etag} ${source.offset} ${length}`;
    if (this.#copied.get(part.index) === what) return;
    await this.#object.copyPart(part.index, source, length);
    this.#copied.set(part.index, what);
  }

  /** Ends the assembly of a part of which all units up to `range.end` have been sent: it can be read from now on. */
  async closePart(part: PlannedPart, units: number, range: ByteRange): Promise<ObjectSource> {
    const assembly = this.#assembly(part.index);
    const stored = await assembly.complete(units, range.end - range.start);
    this.#assembling.delete(part.index);
    for (let unit = 0; unit < part.units; unit++) this.#straight.delete(part.firstUnit + unit);
    return { key: stored.location?.key ?? '', etag: stored.etag ?? '', offset: 0 };
  }

  /** Makes the object of the first `parts` parts. S3 has taken its headers long ago, so those that came later cost a copy. */
  async complete(parts: number, size: number): Promise<StoredFile> {
    const stored = await this.#object.complete(parts, size);
    this.#isComplete = true;
    const headers = this.#options.headers();
    if (isDeepStrictEqual(headers, this.#begunWith)) return stored;
    return await describeAnew(this.#options.store, { key: this.#options.key, stored, headers });
  }

  /** Makes the object of these bytes alone. */
  async put(body: Buffer, crc: number): Promise<StoredFile> {
    const { store, key, condition, headers, signal } = this.#options;
    return await putObject(store, { key, body, crc, condition, headers: headers(), signal });
  }

  /** Removes whatever is not the object. Call it only when nothing is in flight. */
  async cleanUp(): Promise<void> {
    const { store } = this.#options;
    const uploads = [...this.#assembling.values(), ...(this.#isComplete ? [] : [this.#object])];
    const results = await Promise.allSettled([
      ...uploads.map((upload) => upload.abort()),
      store.deleteAll(this.#staged),
    ]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  #assembly(part: number): MultipartUpload {
    const { store, signal } = this.#options;
    const begun = this.#assembling.get(part);
    if (begun !== undefined) return begun;
    const assembly = new MultipartUpload({ store, key: this.#stagingKey(`part-${part}`), signal });
    this.#assembling.set(part, assembly);
    return assembly;
  }

  #stagingKey(name: string): string {
    const { store, id } = this.#options;
    const key = `${store.stagingPrefix}${id}/${this.#staged.length}-${name}`;
    this.#staged.push(key);
    return key;
  }
}
