import type { Site } from '../site.ts';

/** A server that can be measured. To add one, write a file beside this one and name it in `all.ts`. */
export interface Target {
  readonly name: string;
  /** One line for the report. */
  readonly about: string;
  /** Whether its uploads arrive at the sink, which is then asked whether they did. */
  readonly usesSink: boolean;
  /** Why it cannot be measured here and what to do about it, in a sentence; undefined when it can. */
  missing(): Promise<string | undefined>;
  /** A fresh process for each run. */
  start(site: Site, options?: StartOptions): Promise<RunningTarget>;
}

export interface StartOptions {
  /** Flags for Node, where the target runs on it. */
  readonly nodeFlags?: readonly string[];
}

export interface RunningTarget {
  readonly pid: number;
  readonly port: number;
  readonly username: string;
  /** Where an upload of that name is to be put. */
  remotePath(name: string): string;
  stop(): Promise<void>;
}
