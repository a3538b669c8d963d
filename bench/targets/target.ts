import type { Site } from '../site.ts';

/** A server that can be measured. To add one, write a file beside this one and name it in `all.ts`. */
export interface Target {
  readonly name: string;
  /** One line for the report. */
  readonly about: string;
  /** Whether its uploads arrive at the sink, which is then asked whether they did. */
  readonly usesSink: boolean;
  /** Whether each upload has a job, which has to be there then. */
  readonly sendsJobs: boolean;
  /** Whether it has files that can be read. */
  readonly hasFiles: boolean;
  /** Why it cannot be measured here and what to do about it, in a sentence; undefined when it can. */
  missing(): Promise<string | undefined>;
  /** A fresh process for each run. */
  start(site: Site, options?: StartOptions): Promise<RunningTarget>;
}

export interface StartOptions {
  /** Flags for Node, where the target runs on it. */
  readonly nodeFlags?: readonly string[];
  /** Variables of its environment, over its own, where it is configured by them. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where files lie and are put, for those that serve files; without it what they are given is thrown away. */
  readonly folder?: string;
  /** An S3 to use instead of the sink, where it uses one. */
  readonly s3Url?: string;
  /** Called with its process in the moment in which that is there. */
  readonly onSpawn?: (pid: number) => void;
}

export interface RunningTarget {
  readonly pid: number;
  readonly port: number;
  readonly username: string;
  /** Where a file of that name lies or is to be put. */
  remotePath(name: string): string;
  stop(): Promise<void>;
}

/** A target that is not measured. */
export interface Skipped {
  readonly target: string;
  readonly reason: string;
}

/**
 * Targets that can be measured here, and those that cannot, with the reason; rejects when none can.
 * @param unfit why a target that is installed is no good for the scenario
 */
export async function present(
  wanted: readonly Target[],
  unfit: (target: Target) => string | undefined = () => undefined,
): Promise<{
  readonly targets: readonly Target[];
  readonly skipped: readonly Skipped[];
}> {
  const checked = await Promise.all(
    wanted.map(async (target) => [target, unfit(target) ?? (await target.missing())] as const),
  );
  const skipped = checked.flatMap(([{ name }, reason]) => (reason ? [{ target: name, reason }] : []));
  const targets = checked.flatMap(([target, reason]) => (reason ? [] : [target]));
  if (targets.length === 0)
    throw new Error(
      ['none of the targets can be measured', ...skipped.map((one) => `${one.target}: ${one.reason}`)].join(
        '\n',
      ),
    );
  return { targets, skipped };
}
