import type { ServerOptions } from './options.ts';
import type { SluiceServer } from './server.ts';

/**
 * Makes an SFTP server of this process; it listens when it is told to. What it needs is loaded now, and no more than that: without S3
 * and SQS nothing of the AWS SDK. It reads no environment variable of its own, starts no OpenTelemetry SDK, handles no signal and
 * never ends the process.
 *
 * @throws OptionsError with everything that is wrong with the options; BackendError when a factory fails, or makes no backend.
 * @example
 * ```ts
 * const server = await createServer({
 *   backend: memoryBackend(),
 *   auth: { usersFile: 'users.json' },
 *   hostKeys: await generateHostKey(),
 * });
 * server.on('upload', ({ path, bytes }) => console.log(path, bytes));
 * await server.listen({ port: 2222 });
 * ```
 */
export async function createServer(options: ServerOptions): Promise<SluiceServer> {
  const { openServer } = await import('./open-server.ts');
  return await openServer(options);
}

/**
 * Makes a host key (ed25519): the text of a private key in OpenSSH's format, for `hostKeys`. Keep it: clients refuse a server whose
 * key has changed.
 */
export async function generateHostKey(): Promise<string> {
  const { generateHostKeyText } = await import('../ssh/host-keys.ts');
  return generateHostKeyText();
}
