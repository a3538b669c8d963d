import { rclone } from './rclone.ts';
import { sftpgo } from './sftpgo.ts';
import { sluice } from './sluice.ts';
import { ssh2Bare } from './ssh2-bare.ts';
import { sshd } from './sshd.ts';
import type { Target } from './target.ts';

const TARGETS: readonly Target[] = [
  sluice(),
  sluice({ tracing: 'exported' }),
  sluice({ tracing: 'disabled' }),
  sluice({ home: 'worker' }),
  sluice({ home: 'fork' }),
  sshd,
  rclone(),
  sftpgo,
  ssh2Bare,
];

export const TARGET_NAMES = TARGETS.map(({ name }) => name);

/** @throws Error naming what there is, for a name that is not among them. */
export function targetNamed(name: string): Target {
  const target = TARGETS.find((candidate) => candidate.name === name);
  if (target === undefined) throw new Error(`no target "${name}"; there are ${TARGET_NAMES.join(', ')}`);
  return target;
}
