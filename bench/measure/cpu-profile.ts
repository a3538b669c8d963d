/** The parts of a V8 CPU profile (`node --cpu-prof`) that are used here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
    /** Ids of the nodes that this one called. */
    readonly children?: readonly number[];
  }[];
  /** Microseconds of the monotonic clock, as in `process.hrtime`. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface SelfTime {
  readonly name: string;
  /** Below node_modules or the project; `node:...` for Node's own; empty for native code. */
  readonly place: string;
  readonly seconds: number;
  /** Of the time in which the process did anything. */
  readonly share: number;
}

/** A function as it stands on a stack, named as in `SelfTime`. */
export type Frame = Pick<SelfTime, 'name' | 'place'>;

/** A span of the monotonic clock, in microseconds. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

const NOT_WORKING = '(idle)';

/** The functions of a profile, those with the most time of their own first. */
export function selfTimes(profile: CpuProfile, within?: Interval): SelfTime[] {
  const frames = new Map(profile.nodes.map((node) => [node.id, toFrame(node)]));
  const totals = new Map<string, { name: string; place: string; microseconds: number }>();
  let busy = 0;
  for (const { id, microseconds } of workIn(profile, within)) {
    const { name, place } = frames.get(id) as Frame;
    const key = `${name} ${place}`;
    const total = totals.get(key) ?? { name, place, microseconds: 0 };
    total.microseconds += microseconds;
    totals.set(key, total);
    busy += microseconds;
  }
  return [...totals.values()]
    .sort((a, b) => b.microseconds - a.microseconds)
    .map(({ name, place, microseconds }) => ({
      name,
      place,
      seconds: microseconds / 1e6,
      share: microseconds / busy,
    }));
}

/** Self times by package: `ssh2`, `@smithy/...`, `dist` for the project's own, `node:` for Node's, native. */
export function byOrigin(times: readonly SelfTime[]): { readonly origin: string; readonly share: number }[] {
  const shares = new Map<string, number>();
  for (const { name, place, share } of times) {
    const origin = originOf(name, place);
    shares.set(origin, (shares.get(origin) ?? 0) + share);
  }
  return [...shares].sort(([, a], [, b]) => b - a).map(([origin, share]) => ({ origin, share }));
}

/**
 * Seconds by what they were spent for: of the functions on the stack, the innermost for which `concernOf` knows a concern; by
 * origin, as `byOrigin`, where it knows none of them. `depth` is 0 for the function that was running.
 */
export function byConcern(
  profile: CpuProfile,
  concernOf: (frame: Frame, depth: number) => string | undefined,
  within?: Interval,
): Map<string, number> {
  const frames = new Map(profile.nodes.map((node) => [node.id, toFrame(node)]));
  const callers = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const concerns = new Map<number, string>();
  for (const [leaf, { name, place }] of frames) {
    let concern: string | undefined;
    let depth = 0;
    for (let id: number | undefined = leaf; id !== undefined && concern === undefined; id = callers.get(id)) {
      concern = concernOf(frames.get(id) as Frame, depth++);
    }
    concerns.set(leaf, concern ?? originOf(name, place));
  }
  const totals = new Map<string, number>();
  for (const { id, microseconds } of workIn(profile, within)) {
    const concern = concerns.get(id) as string;
    totals.set(concern, (totals.get(concern) ?? 0) + microseconds / 1e6);
  }
  return totals;
}

/** The samples in which anything was done. */
function* workIn({ nodes, startTime, samples, timeDeltas }: CpuProfile, within?: Interval) {
  const idle = new Set(nodes.filter(({ callFrame }) => callFrame.functionName === NOT_WORKING).map(idOf));
  const known = new Set(nodes.map(idOf));
  let at = startTime;
  for (const [index, id] of samples.entries()) {
    const microseconds = timeDeltas[index] ?? 0;
    at += microseconds;
    // The first samples of a profile may come with negative deltas; they mean nothing.
    if (microseconds <= 0 || idle.has(id) || !known.has(id)) continue;
    if (within !== undefined && (at < within.from || at > within.to)) continue;
    yield { id, microseconds };
  }
}

const idOf = ({ id }: { readonly id: number }) => id;

function toFrame({ callFrame: { functionName, url, lineNumber } }: CpuProfile['nodes'][number]): Frame {
  return {
    name: functionName || '(anonymous)',
    place: url === '' ? '' : `${shorten(url)}:${lineNumber + 1}`,
  };
}

function originOf(name: string, place: string): string {
  if (place === '') return name.startsWith('(') ? name : 'native';
  if (place.startsWith('node:')) return 'node:';
  return /^(@[^/]+\/[^/]+|[^/]+)/.exec(place)?.[0] ?? place;
}

/** Without the folders above the project or node_modules: a profile may be shown to others. */
function shorten(url: string): string {
  const inPackage = url.lastIndexOf('/node_modules/');
  if (inPackage >= 0) return url.slice(inPackage + '/node_modules/'.length);
  const inDist = url.lastIndexOf('/dist/');
  return inDist >= 0 ? url.slice(inDist + 1) : url;
}
