import { isIP } from 'node:net';
import { z } from 'zod';
import { isPlainPrefix } from '../contract/prefix.ts';

/** Where SFTP listens unless `SLUICE_PORT` says otherwise: 22 takes privileges that the server should not have. */
export const DEFAULT_PORT = 2222;

/**
 * What clients call a file until it is whole: WinSCP, rclone, browsers and curl scripts, many tools, lftp, rsync
 * (docs/jobs.md tells which is which).
 */
export const TEMPORARY_NAMES = ['*.filepart', '*.partial', '*.part', '*.tmp', '.in.*', '.*.??????'];

/**
 * Where load balancers have their addresses: private networks (RFC 1918, RFC 4193), the shared space of carriers, which VPCs may have too
 * (RFC 6598), and this machine.
 */
export const PRIVATE_SUBNETS = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  'fc00::/7',
  '127.0.0.0/8',
  '::1/128',
];

/** The least, the most, and what it is unless told. */
export interface Limits {
  readonly min: number;
  readonly max: number;
  readonly fallback: number;
}

/** Of numbers, in the unit of their name; the same for variables and for options. */
export const LIMITS = {
  port: { min: 0, max: 65_535, fallback: DEFAULT_PORT },
  staleUploadHours: { min: 0, max: 87_600, fallback: 168 },
  memoryBudgetMib: { min: 16, max: 1_048_576, fallback: 256 },
  spoolMib: { min: 0, max: 16_777_216, fallback: 1024 },
  authTimeoutSeconds: { min: 1, max: 60, fallback: 10 },
  workers: { min: 1, max: 64, fallback: 1 },
  maxSessions: { min: 1, max: 100_000, fallback: 1000 },
  maxSessionsPerUser: { min: 0, max: 100_000, fallback: 100 },
  maxStartupsPerAddress: { min: 1, max: 100_000, fallback: 50 },
  loginGraceSeconds: { min: 1, max: 3600, fallback: 60 },
  idleTimeoutSeconds: { min: 1, max: 86_400, fallback: 1800 },
  drainSeconds: { min: 0, max: 86_400, fallback: 60 },
} satisfies Record<string, Limits>;

export function wholeNumberFault({ min, max }: Pick<Limits, 'min' | 'max'>): string {
  return `must be a whole number from ${min} to ${max}`;
}

/** Of names; `*` alone would make every file a temporary one. */
export function isNamePattern(pattern: string): boolean {
  return /^[^/]{1,255}$/.test(pattern) && !/^\*+$/.test(pattern);
}

/** An address alone is a subnet of one. */
export function toCidr(subnet: string): string {
  const family = isIP(subnet);
  return family === 0 ? subnet : `${subnet}/${family === 4 ? 32 : 128}`;
}

export function isCidr(subnet: string): boolean {
  const [, address = '', prefix] = /^([\da-fA-F.:]+)\/(\d{1,3})$/.exec(subnet) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(prefix) <= (family === 4 ? 32 : 128);
}

export const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' });

/** Of a Lambda function URL or an API Gateway, by its host; undefined for any other URL. */
export function regionOf(url: string): string | undefined {
  const { hostname } = URL.canParse(url) ? new URL(url) : { hostname: '' };
  return /\.(?:lambda-url|execute-api)\.([a-z]{2}(?:-[a-z]+)+-\d)\./.exec(hostname)?.[1];
}

/** Before the names of objects: static, or `session:KEY`. */
export const keyPrefix = z
  .string()
  .refine((prefix) => prefix !== 'session:', 'must name a session attribute after "session:"')
  .refine((prefix) => !prefix.replace(/^\/+/, '').startsWith('.sluice'), 'must not begin with ".sluice"')
  .refine(isPlainPrefix, 'must be a path without empty names, "." and ".."');

/** Of a role of IAM (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html). */
export const roleArn = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,576}$/,
    'must be the ARN of a role: arn:aws:iam::123456789012:role/name',
  );

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
export const externalId = z
  .string()
  .regex(/^[\w+=,.@:/-]{2,1224}$/, 'must be 2 to 1,224 letters, digits or + = , . @ : / - _');
