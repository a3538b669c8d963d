import Fastify, { type FastifyInstance } from 'fastify';
import { createServer, type ServerOptions, type SluiceServer } from 'sluice';
import { RecentUploads } from './recent-uploads.ts';

/** An HTTP service and an SFTP server that share a process, a log and an end. */
export interface Service {
  readonly http: FastifyInstance;
  readonly sftp: SluiceServer;
  /** Lets uploads in progress finish while HTTP still answers, then ends both. */
  close(drainSeconds: number): Promise<void>;
}

export async function createService(
  options: Pick<ServerOptions, 'backend' | 'auth' | 'hostKeys'>,
): Promise<Service> {
  const http = Fastify({ logger: true });
  const uploads = new RecentUploads();
  const sftp = await createServer({ ...options, log: http.log });
  sftp.on('upload', (upload) => uploads.add(upload));

  http.get('/uploads', () => uploads.list());
  http.get('/ready', async (_request, reply) => {
    const probes = await sftp.probe();
    const isReady =
      sftp.address() !== undefined && [...probes.values()].every(({ state }) => state !== 'unreachable');
    return reply.code(isReady ? 200 : 503).send(Object.fromEntries(probes));
  });

  return {
    http,
    sftp,
    close: async (drainSeconds) => {
      await sftp.close({ drainSeconds });
      http.log.info('no SFTP session is left');
      await http.close();
    },
  };
}
