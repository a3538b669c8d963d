import { once } from 'node:events';
import { memoryBackend } from 'sluice';
import { createService } from './service.ts';

const {
  EMBEDDED_HTTP_PORT = '3000',
  EMBEDDED_SFTP_PORT = '2222',
  EMBEDDED_HOST_KEYS = 'host-keys',
  EMBEDDED_USERS_FILE = 'users.json',
} = process.env;

const DRAIN_SECONDS = 20;

const service = await createService({
  // s3Backend({ bucket: 'my-bucket', prefix: 'session:prefix' }) keeps them.
  backend: memoryBackend(),
  auth: { usersFile: EMBEDDED_USERS_FILE },
  hostKeys: { folder: EMBEDDED_HOST_KEYS },
});
await service.http.listen({ port: Number(EMBEDDED_HTTP_PORT) });
const { port } = await service.sftp.listen({ port: Number(EMBEDDED_SFTP_PORT) });
service.http.log.info({ port }, 'SFTP is listening');

await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
await service.close(DRAIN_SECONDS);
service.http.log.info('stopped');
