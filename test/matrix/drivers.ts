import type { Driver } from './client.ts';
import { curl } from './drivers/curl.ts';
import { lftp } from './drivers/lftp.ts';
import { opensshScp, opensshSftp } from './drivers/openssh.ts';
import { paramiko } from './drivers/paramiko.ts';
import { pscp, psftp } from './drivers/putty.ts';
import { rclone } from './drivers/rclone.ts';
import { ssh2SftpClient } from './drivers/ssh2-sftp-client.ts';
import { sshfs } from './drivers/sshfs.ts';

/** Every client of the matrix, in the order of the table. */
export const DRIVERS: readonly Driver[] = [
  opensshSftp,
  opensshScp,
  lftp,
  psftp,
  pscp,
  curl,
  rclone,
  sshfs,
  paramiko,
  ssh2SftpClient,
];

/** Those that SLUICE_TEST_CLIENTS names, separated by commas, in the order of the table; all without it. Throws for a name that nobody has. */
export function chooseDrivers(named = process.env['SLUICE_TEST_CLIENTS'] ?? ''): readonly Driver[] {
  if (named.trim() === '') return DRIVERS;
  const names = named.split(',').map((name) => name.trim().toLowerCase());
  const known = DRIVERS.map((driver) => driver.name);
  const unknown = names.find((name) => !known.some((one) => one.toLowerCase() === name));
  if (unknown !== undefined) {
    throw new Error(`SLUICE_TEST_CLIENTS: there is no client "${unknown}", but ${known.join(', ')}`);
  }
  return DRIVERS.filter((driver) => names.includes(driver.name.toLowerCase()));
}
