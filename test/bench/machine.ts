import type { Machine } from '../../bench/machine.ts';

export const MACHINE: Machine = {
  cpu: 'a CPU',
  cores: 2,
  memoryGiB: 8,
  kernel: 'Linux 6',
  node: 'v20',
  ssh2NativeCrypto: true,
  openssh: 'OpenSSH_9.2p1 Debian, OpenSSL 3',
  commit: 'abc',
  loadBefore: 0.5,
};
