import type { Account } from './connection.ts';

/** What the harness tells a driver. */
export type Order =
  | { readonly kind: 'login'; readonly account: Account; readonly names: readonly string[] }
  | ({ readonly kind: 'upload' } & Work)
  | ({ readonly kind: 'log-in-and-out' } & LoginsOrder)
  /** Cut every connection; what is unfinished has failed. */
  | { readonly kind: 'abandon'; readonly reason: string };

/** Clients that log in and leave again and again. */
export interface LoginsOrder {
  readonly account: Account;
  /** Of all clients together. */
  readonly logins: number;
  /** Clients. */
  readonly atOnce: number;
}

/** What each client of a driver does once it is logged in. */
export interface Work {
  /** Of each file, in bytes. */
  readonly size: number;
  /** Of each WRITE, in bytes. */
  readonly writeBytes: number;
  /** Of each client; undefined is as fast as it goes. */
  readonly bytesPerSecond?: number;
}

/** How the upload of one file ended. */
export interface Outcome {
  readonly name: string;
  /** Of what was sent. */
  readonly crc32: number;
  /** From the start of all uploads. */
  readonly seconds: number;
  /** What the client was told, when it was not OK. */
  readonly failure?: string;
}

/** What a driver tells the harness. */
export type Report =
  | { readonly kind: 'logged-in'; readonly failures: readonly string[] }
  | { readonly kind: 'progress'; readonly acknowledgedBytes: number }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  /** How long each login took, in milliseconds; the failure is the first. */
  | {
      readonly kind: 'left';
      readonly ms: readonly number[];
      readonly cpuSeconds: number;
      readonly failure?: string;
    }
  | { readonly kind: 'finished'; readonly cpuSeconds: number };
