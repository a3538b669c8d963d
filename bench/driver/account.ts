import { readFile } from 'node:fs/promises';
import type { Site } from '../site.ts';
import type { RunningTarget } from '../targets/target.ts';
import type { Account } from './connection.ts';

/** How a driver's client logs in to a server of that site. */
export async function accountOn(site: Site, { port, username }: RunningTarget): Promise<Account> {
  return { port, username, privateKey: await readFile(site.clientKey.privateFile, 'utf8') };
}
