import type { ServerChannel } from 'ssh2';

/** What who asks for a shell or a command is told, `scp -O` among them: without it they would hear of a failed request. */
const SFTP_ONLY =
  'Only SFTP is served here: no shell, no commands, no scp -O. Use sftp, or scp as it is since OpenSSH 9.\r\n';

/** A command that did nothing, said so and failed. There is no channel when the session has one already. */
export function refuseCommand(channel: ServerChannel | undefined): void {
  if (channel === undefined) return;
  channel.stderr.write(SFTP_ONLY);
  channel.exit(1);
  channel.close();
}
