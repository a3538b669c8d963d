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

/** Those that SLUICE_TEST_CLIENTS names, separated by commas; all without it. Throws for a name that nobody has. */
export function chooseDrivers(named = process.env['SLUICE_TEST_CLIENTS'] ?? ''): readonly Driver[] {
  const names = named.split(',').map((name) => name.trim());
  if (named.trim() === '') return DRIVERS;
  return names.map((name) => {
    const driver = DRIVERS.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
    if (driver !== undefined) return driver;
    const known = DRIVERS.map((candidate) => candidate.name).join(', ');
    throw new Error(`SLUICE_TEST_CLIENTS: there is no client "${name}", but ${known}`);
  });
}
