import { writeFile } from 'node:fs/promises';
import { type Finished, run } from './processes.ts';
import type { Workspace } from './workspace.ts';

/** `sftp` by a user who types a password (OpenSSH's askpass) and then `commands`. */
export async function sftpByPassword(
  { port }: { readonly port: number },
  workspace: Workspace,
  username: string,
  password: string,
  commands: readonly string[] = ['pwd'],
  further: readonly string[] = ['PubkeyAuthentication=no'],
): Promise<Finished> {
  const askpass = workspace.path('askpass');
  await writeFile(askpass, `#!/bin/sh\necho '${password}'\n`, { mode: 0o700 });
  const options = [
    'StrictHostKeyChecking=no',
    `UserKnownHostsFile=${workspace.path('known_hosts')}`,
    ...further,
    'NumberOfPasswordPrompts=1',
    'LogLevel=ERROR',
  ].flatMap((option) => ['-o', option]);
  return await run('sftp', ['-F', 'none', ...options, '-P', String(port), `${username}@127.0.0.1`], {
    input: `${commands.join('\n')}\n`,
    env: { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: 'none' },
  });
}
