import { randomUUID } from 'node:crypto';
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import ssh2, { type Connection as SshClient } from 'ssh2';
import type { Log } from '../contract/log.ts';
import { ALGORITHMS } from './algorithms.ts';
import { SshConnection, type SshConnectionOptions } from './connection.ts';
import { readFrugally } from './frugal-socket.ts';
import type { HostKey } from './host-keys.ts';
import { askForEver, KEEPALIVE_INTERVAL_MS } from './keepalive.ts';

export interface SshServerOptions
  extends Pick<SshConnectionOptions, 'authenticator' | 'openSession' | 'idleTimeoutSeconds'> {
  readonly hostKeys: readonly HostKey[];
  /** Connections at once, those that have not authenticated yet included. */
  readonly maxSessions: number;
  /** Time from the TCP connection to successful authentication, in seconds. */
  readonly loginGraceSeconds: number;
  /** After this long without a packet a client is asked whether it is still there; 15 seconds unless told. */
  readonly keepaliveIntervalMs?: number;
  /** Accounts for what a connection holds, whatever it does; the returned function is called at its end. */
  readonly holdConnection: () => () => void;
  /** What is read instead of the socket that was accepted; {@link readFrugally} unless told. */
  readonly toSocket?: (accepted: Socket) => Socket;
  readonly log: Log;
}

/** Sent as `SSH-2.0-Sluice`. Without a version: it tells an attacker what to look for and a client nothing. */
const IDENT = 'Sluice';

/** How long the aborts of uploads that were cut off may take when the server closes, in milliseconds. */
const LAST_WORDS_MS = 10_000;

/** The TCP listener and the SSH connections behind it. */
export class SshServer {
  readonly #options: SshServerOptions;
  readonly #keepaliveIntervalMs: number;
  readonly #listener: NetServer;
  readonly #ssh: ssh2.Server;
  readonly #sockets = new Map<string, Socket>();
  readonly #connections = new Map<Socket, SshConnection>();

  constructor(options: SshServerOptions) {
    this.#options = options;
    const hostKeys = options.hostKeys.map(({ privateKey }) => privateKey);
    this.#keepaliveIntervalMs = options.keepaliveIntervalMs ?? KEEPALIVE_INTERVAL_MS;
    this.#ssh = new ssh2.Server({
      hostKeys,
      algorithms: ALGORITHMS,
      ident: IDENT,
      ...askForEver(this.#keepaliveIntervalMs),
    });
    this.#ssh.on('connection', (client, info) => this.#onHandshake(client, info));
    // Nagle's algorithm against the client's delayed acknowledgements costs 40 ms whenever its requests run out.
    const { toSocket = readFrugally } = options;
    this.#listener = createServer({ noDelay: true, pauseOnConnect: true }, (accepted) =>
      this.#onSocket(toSocket(accepted)),
    );
  }

  /** Connections at the moment, authenticated or not. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Resolves with the address once connections are accepted; rejects when the port cannot be had. */
  listen(port: number, host: string): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#listener.once('error', reject);
      this.#listener.listen(port, host, () => {
        this.#listener.off('error', reject);
        resolve(this.#listener.address() as AddressInfo);
      });
    });
  }

  /**
   * Accepts nothing more, ends connections as their uploads finish, and cuts off what is left after
   * `drainSeconds`. Resolves when every connection is gone and what they left has been finished or aborted.
   */
  async close(drainSeconds: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    const cutOff = setTimeout(() => {
      for (const socket of this.#sockets.values()) socket.destroy();
    }, drainSeconds * 1000);
    for (const socket of this.#sockets.values()) {
      const connection = this.#connections.get(socket);
      if (connection === undefined) socket.destroy();
      else void connection.drain();
    }
    await closed;
    clearTimeout(cutOff);
    const endings = [...this.#connections.values()].map((connection) => connection.ended());
    const late = new AbortController();
    await Promise.race([
      Promise.all(endings),
      delay(LAST_WORDS_MS, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
  }

  #onSocket(socket: Socket): void {
    const { maxSessions, loginGraceSeconds, log } = this.#options;
    const sourceIp = socket.remoteAddress;
    if (sourceIp === undefined) return void socket.destroy();
    if (this.#sockets.size >= maxSessions) {
      log.warn({ sourceIp, maxSessions }, 'connection refused: too many');
      return void socket.destroy();
    }
    const key = socketKey(sourceIp, socket.remotePort);
    this.#sockets.set(key, socket);
    const release = this.#options.holdConnection();
    const grace = setTimeout(() => {
      log.info({ sourceIp, loginGraceSeconds }, 'no login in time');
      socket.destroy();
    }, loginGraceSeconds * 1000);
    socket.once('close', () => {
      clearTimeout(grace);
      release();
      this.#sockets.delete(key);
      void this.#connections
        .get(socket)
        ?.ended()
        .then(() => this.#connections.delete(socket));
    });
    socket.once('sluice:authenticated', () => clearTimeout(grace));
    this.#ssh.injectSocket(socket);
  }

  /** ssh2 has read the client's identification string; it names the client by address, not by socket. */
  #onHandshake(client: SshClient, info: ssh2.ClientInfo): void {
    const socket = this.#sockets.get(socketKey(info.ip, info.port));
    if (socket === undefined) return void client.end();
    const { log, authenticator, openSession, idleTimeoutSeconds } = this.#options;
    const connection = {
      id: randomUUID(),
      clientAddress: info.ip,
      clientPort: info.port,
      clientVersion: info.header.versions.software,
    };
    const about = { sessionId: connection.id, sourceIp: info.ip };
    log.info({ ...about, client: connection.clientVersion }, 'connected');
    socket.once('close', () => {
      log.info({ ...about, bytesIn: socket.bytesRead, bytesOut: socket.bytesWritten }, 'disconnected');
    });
    this.#connections.set(
      socket,
      new SshConnection({
        client,
        socket,
        connection,
        authenticator,
        openSession,
        idleTimeoutSeconds,
        keepaliveIntervalMs: this.#keepaliveIntervalMs,
        onAuthenticated: () => socket.emit('sluice:authenticated'),
        log,
      }),
    );
  }
}

function socketKey(address: string, port: number | undefined): string {
  return `${address} ${port}`;
}
