/** The parts of a V8 CPU profile (`node --cpu-prof`) that are used here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
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

/** A span of the monotonic clock, in microseconds. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

const NOT_WORKING = '(idle)';

/** The functions of a profile, those with the most time of their own first. */
export function selfTimes(profile: CpuProfile, within?: Interval): SelfTime[] {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const totals = new Map<string, { name: string; place: string; microseconds: number }>();
  let busy = 0;
  let at = profile.startTime;
  profile.samples.forEach((id, index) => {
    const delta = profile.timeDeltas[index] ?? 0;
    at += delta;
    const frame = frames.get(id);
    // The first samples of a profile may come with negative deltas; they mean nothing.
    if (frame === undefined || delta <= 0 || frame.functionName === NOT_WORKING) return;
    if (within !== undefined && (at < within.from || at > within.to)) return;
    const name = frame.functionName || '(anonymous)';
    const place = frame.url === '' ? '' : `${shorten(frame.url)}:${frame.lineNumber + 1}`;
    const key = `${name} ${place}`;
    const total = totals.get(key) ?? { name, place, microseconds: 0 };
    total.microseconds += delta;
    totals.set(key, total);
    busy += delta;
  });
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
