import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import ssh2 from 'ssh2';
import type { StreamingBackend } from '../../src/contract/backend.ts';
import { SftpSession } from '../../src/sftp/session.ts';
import { Door } from '../../src/ssh/door.ts';
import { readFrugally } from '../../src/ssh/frugal-socket.ts';
import { parseHostKey } from '../../src/ssh/host-keys.ts';
import type { LoginObserver } from '../../src/ssh/login-observer.ts';
import { SshServer, type SshServerOptions } from '../../src/ssh/server.ts';
import { SourcePenalties } from '../../src/ssh/source-penalties.ts';
import { RawSession } from '../clients/ssh2-client.ts';
import { type Deferred, deferred } from '../support/sftp-driver.ts';
import { init } from '../support/sftp-packets.ts';

const KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'sec1', format: 'pem' })
  .toString();

/** One connection as the server has it. */
export interface ServerSide {
  readonly socket: Socket;
  /** Bytes that the sessions have been given. */
  readonly receivedBytes: number;
  /** How often they have been given any. */
  readonly pieces: number;
  /** Bytes that have come in and that no session has been given: unread ones, and SSH's own. */
  readonly unreadBytes: number;
  /** Resolves when the server waits for the client to take replies. */
  readonly stalled: Promise<void>;
}

export interface InProcess {
  readonly server: SshServer;
  readonly port: number;
  /** Messages of the log. */
  readonly messages: readonly string[];
  connect(): Promise<{ readonly client: TestClient; readonly side: ServerSide }>;
  close(): Promise<void>;
}

/** A client of which every packet can be counted: its socket is the test's. */
export interface TestClient {
  readonly ssh: ssh2.Client;
  readonly socket: Socket;
  /** A further SFTP session, past INIT. */
  open(): Promise<RawSession>;
}

const nothing = () => undefined;
const UNOBSERVED: LoginObserver = {
  fields: {},
  identified: nothing,
  negotiated: nothing,
  attempted: () => nothing,
  ended: nothing,
};

/** The SSH server over a backend, in this process; everybody may come in. */
export async function startInProcess(
  backend: StreamingBackend,
  options: Partial<SshServerOptions> = {},
): Promise<InProcess> {
  const received = new Map<number, number>();
  const pieces = new Map<number, number>();
  const stalls = new Map<number, Deferred<void>>();
  const sockets = new Map<number, Socket>();
  const messages: string[] = [];
  const log = (_: unknown, message: string) => void messages.push(message);
  const server = new SshServer({
    hostKeys: [parseHostKey(KEY, 'test')],
    algorithms: 'modern',
    authenticator: { authenticate: async ({ username }) => ({ username, session: {} }) },
    door: new Door({
      maxSessions: 10,
      maxStartupsPerSource: 10,
      isExempt: () => true,
      penalties: new SourcePenalties(),
    }),
    enter: () => () => undefined,
    drainSeconds: 30,
    loginGraceSeconds: 30,
    idleTimeoutSeconds: 30,
    holdConnection: () => () => undefined,
    holdWindow: () => nothing,
    observeLogin: () => UNOBSERVED,
    toSocket: (accepted) => {
      const socket = readFrugally(accepted);
      sockets.set(accepted.remotePort as number, socket);
      return socket;
    },
    log: { debug: log, info: log, warn: log, error: log },
    openSession: (principal, connection, transport) => {
      const { clientPort: port } = connection;
      const session = new SftpSession({
        backend,
        memory: { tryReserve: () => true, release: () => undefined },
        principal,
        connection,
        transport: {
          close: (reason) => transport.close(reason),
          send: (bytes) => {
            const sent = transport.send(bytes);
            if (sent !== undefined) stalls.get(port)?.resolve();
            return sent;
          },
        },
        observer: {
          request: (_operation, _path, run) => run(),
          downloaded: nothing,
          refused: nothing,
          broken: nothing,
        },
        onFault: (error) => messages.push(`fault: ${error}`),
      });
      const receive = session.receive.bind(session);
      session.receive = (chunk) => {
        received.set(port, (received.get(port) ?? 0) + chunk.length);
        pieces.set(port, (pieces.get(port) ?? 0) + 1);
        return receive(chunk);
      };
      return session;
    },
    ...options,
  });
  const { port } = await server.listen(0, '127.0.0.1');
  return {
    server,
    port,
    messages,
    connect: async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      const own = socket.localPort as number;
      const stalled = deferred();
      stalls.set(own, stalled);
      const ssh = new ssh2.Client();
      ssh.on('error', () => undefined);
      ssh.connect({ sock: socket, username: 'acme', password: 'x' });
      await once(ssh, 'ready');
      const serverSocket = sockets.get(own) as Socket;
      const before = serverSocket.bytesRead;
      return {
        client: {
          ssh,
          socket,
          open: () =>
            new Promise((resolve, reject) =>
              ssh.subsys('sftp', (error, channel) => {
                if (error) return reject(error);
                const session = new RawSession(channel);
                session.send(init()).then(() => resolve(session), reject);
              }),
            ),
        },
        side: {
          socket: serverSocket,
          stalled: stalled.promise,
          get receivedBytes() {
            return received.get(own) ?? 0;
          },
          get pieces() {
            return pieces.get(own) ?? 0;
          },
          get unreadBytes() {
            return serverSocket.bytesRead - before - this.receivedBytes;
          },
        },
      };
    },
    close: async () => {
      await server.close(0);
    },
  };
}
