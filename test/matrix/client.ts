import type { Finished } from '../support/processes.ts';

/** A program as somebody would type it. */
export interface Invocation {
  readonly command: string;
  readonly args: readonly string[];
  /** Goes to standard input, which is then closed. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A program that prints a folder, and how to read that. */
export interface Listing extends Invocation {
  /** Names without their folder; `.` and `..` may be among them. */
  names(stdout: string): string[];
}

/** The server that a client is to use, the user, and what proves either to the other. */
export interface Account {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** The password and a line break. */
  readonly passwordFile: string;
  /** A program that prints the password, as OpenSSH asks for it. */
  readonly askpass: string;
  /** A private key in OpenSSH's format; the public one beside it as `.pub`. */
  readonly identity: string;
  /** Every host key of the server, in OpenSSH's format. */
  readonly knownHosts: string;
  /** Of the server's Ed25519 key: `SHA256:` and Base64 without padding. */
  readonly fingerprint: string;
  /** A path in a folder of the client's own. */
  path(name: string): string;
}

/**
 * A client that knows its account. Paths of the server are absolute. Each invocation does one thing, and ends with
 * exit code 0 if, in the client's opinion, it is done. What a client has no way to do is not there.
 */
export interface Client {
  upload(local: string, remote: string): Invocation;
  download(remote: string, local: string): Invocation;
  list?(folder: string): Listing;
  rename?(from: string, to: string): Invocation;
  remove?(path: string): Invocation;
  makeFolder?(path: string): Invocation;
  /** Goes on where an earlier upload ended, by what the server has. */
  resumeUpload?(local: string, remote: string): Invocation;
  /** Goes on where an earlier download ended, by what the local file has. */
  resumeDownload?(remote: string, local: string): Invocation;
}

/** What the matrix knows of a client before it is started. */
export interface Driver {
  /** As users call it, and as SLUICE_TEST_CLIENTS does. */
  readonly name: string;
  /** What to type to have it. */
  readonly install: string;
  readonly login: 'password' | 'key';
  /** For the table: what to know before using it with Sluice. */
  readonly notes: string;
  /** Its programs end before the server has answered CLOSE; default: they wait for the answer. */
  readonly closesLater?: boolean;
  /** Prints the version. */
  readonly version: Invocation;
  /** The version in what that printed; undefined where there is none. */
  readVersion(output: string): string | undefined;
  connect(account: Account): Client | Promise<Client>;
  /** Why it cannot run here although it is installed, in words, by what it said when it was tried. */
  unavailable?(tried: Finished): string | undefined;
}

/** The first group of a pattern. */
export function firstMatch(pattern: RegExp): (output: string) => string | undefined {
  return (output) => pattern.exec(output)?.[1];
}

/** For clients whose command line knows double quotes and backslashes. */
export function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Of paths printed one a line, the names; folders may end in `/`. */
export function namesOfPaths(stdout: string): string[] {
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => line.replace(/\/$/, '').replace(/^.*\//, ''));
}

/** Of a listing that prints the server's own lines (`ls -l`), the names. */
export function namesOfLongLines(stdout: string): string[] {
  const line = /^[-dl]\S+ +\d+ +\S+ +\S+ +\d+ \w{3} +\d+ +[\d:]+ (.*?)\r?$/gm;
  return [...stdout.matchAll(line)].map(([, name = '']) => name);
}
