import { type ByteRange, RangeSet } from '../../buffers/range-set.ts';
import { FsError } from '../../contract/errors.ts';
import type { StoredFile } from '../../contract/types.ts';
import type { Contents, ObjectSource } from './contents.ts';
import { fillHoles } from './fill.ts';
import type { Lifetime } from './lifetime.ts';
import { PartBuffer } from './part-buffer.ts';
import type { PartPlan, PlannedPart, Unit } from './part-plan.ts';
import type { ObjectStore } from './store.ts';
import type { Units } from './units.ts';

/** Bytes of holes that are filled with zeros at the end of an upload. */
const MAX_ZEROS = 1024 ** 3;

/** What making the object takes. */
type Assembly = Pick<Units, 'size' | 'contents' | 'collector' | 'destination' | 'inFlight' | 'sender'> & {
  readonly store: ObjectStore;
  readonly plan: PartPlan;
  readonly life: Lifetime;
};

/** Makes the object of an upload out of what has been sent, what is still in buffers, and what other objects hold. */
export async function assemble(
  { store, plan }: { readonly store: ObjectStore; readonly plan: PartPlan },
  { size, contents, collector, destination, inFlight, sender }: Units,
  life: Lifetime,
): Promise<StoredFile> {
  const assembly = { store, plan, size, contents, collector, destination, inFlight, sender, life };
  await settle(assembly);
  if (size <= plan.unit(0).end && !destination.hasStraight(0)) return await putWhole(assembly);
  assertFewZeros(assembly);
  await sendOpen(assembly);
  const last = plan.unitAt(size - 1).part;
  for (let index = 0; index <= last; index++) await supply(assembly, plan.part(index));
  await settle(assembly);
  return await destination.complete(last + 1, size);
}

/** Waits for everything under way, and throws when something of it has failed. */
async function settle({ inFlight, life }: Assembly): Promise<void> {
  await inFlight.settled();
  life.assertUsable();
}

async function putWhole({
  plan,
  size,
  contents,
  collector,
  destination,
  store,
}: Assembly): Promise<StoredFile> {
  if (size === 0) return await destination.put(Buffer.alloc(0), 0);
  const unit = plan.unit(0);
  const open = collector.get(0);
  const part = open instanceof PartBuffer && size <= open.length ? open : await collector.inMemory(unit);
  await fillHoles(store, part, contents, size);
  const { body, crc } = part.seal(size);
  return await destination.put(body, crc);
}

/** Every zero of a hole is sent to S3: a client could keep the service busy for days by one far write. */
function assertFewZeros({ plan, size, contents, collector, destination }: Assembly): void {
  const covered = new RangeSet();
  const cover = ({ start, end }: ByteRange) => covered.add(start, Math.min(end, size));
  for (const extent of contents.extents) cover(extent);
  for (const unit of destination.straightUnits) cover(plan.unit(unit));
  for (const { unit, written } of collector.all()) {
    for (const { start, end } of written.ranges) cover({ start: unit.start + start, end: unit.start + end });
  }
  if (size - covered.count > MAX_ZEROS) throw new FsError('ENOTSUP', 'holes of more than 1 GiB');
}

/** What memory holds goes first: it makes room for the rest. */
async function sendOpen(assembly: Assembly): Promise<void> {
  const isInMemory = (part: unknown) => part instanceof PartBuffer;
  const open = assembly.collector.all();
  const sorted = [...open.filter(isInMemory), ...open.filter((part) => !isInMemory(part))];
  for (const { unit } of sorted) await sendUnit(assembly, unit);
}

async function sendUnit({ collector, sender, inFlight, life }: Assembly, unit: Unit): Promise<void> {
  await inFlight.roomFor(unit.end - unit.start);
  const part = await collector.inMemory(unit);
  life.assertUsable();
  collector.remove(part);
  sender.send(unit, async () => part, { isEnd: true });
}

async function supply(assembly: Assembly, part: PlannedPart): Promise<void> {
  const { plan, size, destination, sender, inFlight, contents } = assembly;
  const range = { start: part.start, end: Math.min(part.end, size) };
  const lastUnit = plan.unitAt(range.end - 1).index;
  const units = Array.from({ length: lastUnit - part.firstUnit + 1 }, (_, n) =>
    plan.unit(part.firstUnit + n),
  );
  const isWhole = !units.some(({ index }) => destination.hasStraight(index) || inFlight.unit(index));
  const source = isWhole ? soleSource(contents, range) : undefined;
  if (source !== undefined) {
    await inFlight.roomFor(0);
    assembly.life.assertUsable();
    sender.run(() => destination.copyPart(part, source, range.end - range.start));
    return;
  }
  for (const unit of units) await supplyUnit(assembly, unit);
  if (part.units === 1) return;
  await settle(assembly);
  const assembled = await destination.closePart(part, units.length, range);
  sender.run(() => destination.copyPart(part, assembled, range.end - range.start));
}

async function supplyUnit(assembly: Assembly, unit: Unit): Promise<void> {
  const { size, destination, sender, inFlight, contents } = assembly;
  if (destination.hasStraight(unit.index) || inFlight.unit(unit.index) !== undefined) return;
  const range = { start: unit.start, end: Math.min(unit.end, size) };
  const source = soleSource(contents, range);
  if (source === undefined) return await sendUnit(assembly, unit);
  await inFlight.roomFor(0);
  assembly.life.assertUsable();
  sender.run(() => destination.copyUnit(unit, source, range.end - range.start), { unit: unit.index });
}

/** The object that has all bytes of a range, one behind the other, if one has. */
function soleSource(contents: Contents, range: ByteRange): ObjectSource | undefined {
  const [piece, ...more] = contents.pieces(range);
  return more.length === 0 ? piece?.source : undefined;
}
