import { randomUUID } from 'node:crypto';
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import ssh2, { type Connection as SshClient } from 'ssh2';
import type { LiveSession } from '../contract/activity.ts';
import type { Connection } from '../contract/context.ts';
import { Activity, type Log, withFields } from '../contract/log.ts';
import { ALGORITHMS, toSsh2Algorithms } from './algorithms.ts';
import { SshConnection, type SshConnectionOptions } from './connection.ts';
import type { Door, Refusal, Visit } from './door.ts';
import { type FindClient, findDirectClient } from './find-client.ts';
import { readFrugally } from './frugal-socket.ts';
import type { HostKey } from './host-keys.ts';
import { askForEver, KEEPALIVE_INTERVAL_MS } from './keepalive.ts';
import type { LoginObserver, ObserveLogin } from './login-observer.ts';
import { toOfferedHostKeys } from './offered-host-keys.ts';
import type { Endpoint } from './proxy-protocol.ts';
import { createRefusalLog } from './refusal-log.ts';

export interface SshServerOptions
  extends Pick<
    SshConnectionOptions,
    | 'authenticator'
    | 'enter'
    | 'algorithms'
    | 'rekeying'
    | 'openSession'
    | 'idleTimeoutSeconds'
    | 'drainSeconds'
    | 'holdWindow'
  > {
  readonly hostKeys: readonly HostKey[];
  readonly door: Door;
  /** Time from the TCP connection to successful authentication, in seconds. */
  readonly loginGraceSeconds: number;
  /** After this long without a packet a client is asked whether it is still there; 15 seconds unless told. */
  readonly keepaliveIntervalMs?: number;
  /** Accounts for what a connection holds once its client has spoken; the returned function is called at its end. */
  readonly holdConnection: () => () => void;
  readonly observeLogin: ObserveLogin;
  /** Whose a connection is; who connects is the client unless told otherwise. */
  readonly findClient?: FindClient | undefined;
  /** What is read instead of the socket that was accepted; {@link readFrugally}, as if memory were never short, unless told. */
  readonly toSocket?: (accepted: Socket) => Socket;
  readonly log: Log;
}

/** Sent as `SSH-2.0-Sluice`. Without a version: it tells an attacker what to look for and a client nothing. */
const IDENT = 'Sluice';

/** Longest name of a client's software that is noted, in characters: RFC 4253, section 4.2, has no line longer, ssh2 takes 8 KiB. */
const MAX_CLIENT_VERSION = 255;

/** How long what was being done may take to its end once the server cuts off the rest, in milliseconds. */
const LAST_WORDS_MS = 10_000;

interface Caller {
  readonly client: Endpoint;
  readonly login: LoginObserver;
  readonly visit: Visit;
}

/**
 * What ssh2 has of a client and does not document. Nothing else tells which connection it is: addresses are what somebody
 * claims, and come again (docs/adr/0013-whose-connection.md).
 */
interface ClientInternals {
  readonly _sock?: Socket;
}

/** A client that has said which software it is. */
interface Identified {
  readonly connection: Connection;
  readonly connectedAt: Date;
  readonly ssh: SshConnection;
}

/** The TCP listener and the SSH connections behind it. */
export class SshServer {
  readonly #options: SshServerOptions;
  readonly #keepaliveIntervalMs: number;
  readonly #listener: NetServer;
  readonly #ssh: ssh2.Server;
  /** Everything accepted; undefined as long as nobody knows whose it is. */
  readonly #sockets = new Map<Socket, Caller | undefined>();
  readonly #connections = new Map<Socket, Identified>();
  readonly #refused: ReturnType<typeof createRefusalLog>;

  constructor(options: SshServerOptions) {
    this.#options = options;
    this.#refused = createRefusalLog(options.log);
    this.#keepaliveIntervalMs = options.keepaliveIntervalMs ?? KEEPALIVE_INTERVAL_MS;
    const algorithms = ALGORITHMS[options.algorithms];
    this.#ssh = new ssh2.Server({
      hostKeys: toOfferedHostKeys(options.hostKeys, algorithms),
      algorithms: toSsh2Algorithms(algorithms),
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

  /** Those that have logged in, the oldest first. */
  sessions(): LiveSession[] {
    return [...this.#connections].flatMap(([socket, { connection, connectedAt, ssh }]) => {
      if (ssh.principal === undefined || socket.destroyed) return [];
      const { bytesRead: bytesIn, bytesWritten: bytesOut } = socket;
      return [{ connection, username: ssh.principal.username, connectedAt, bytesIn, bytesOut }];
    });
  }

  /** Resolves with the address once connections are accepted; rejects when the port cannot be had. */
  listen(port: number, host: string): Promise<AddressInfo> {
    if (this.#options.algorithms === 'compatible') {
      this.#options.log.warn(
        { algorithms: 'compatible' },
        'SHA-1 is offered to old clients (SLUICE_SSH_ALGORITHMS); "authenticated" says who still needs it',
      );
    }
    return new Promise((resolve, reject) => {
      this.#listener.once('error', reject);
      this.#listener.listen(port, host, () => {
        this.#listener.off('error', reject);
        resolve(this.#listener.address() as AddressInfo);
      });
    });
  }

  /**
   * Accepts nothing more, ends connections as their clients finish what they have open, and cuts off what is left after
   * `drainSeconds`: uploads that are open are aborted, those being finished are answered. Resolves when every connection is
   * gone and what they left has been finished or aborted, at the latest {@link LAST_WORDS_MS} after that.
   */
  async close(drainSeconds: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    for (const socket of this.#sockets.keys()) {
      const identified = this.#connections.get(socket);
      if (identified === undefined) socket.destroy();
      else void identified.ssh.drain();
    }
    const cutOff = setTimeout(() => this.#cutOff(drainSeconds), drainSeconds * 1000);
    let last: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      last = setTimeout(resolve, drainSeconds * 1000 + LAST_WORDS_MS);
    });
    await Promise.race([closed.then(() => this.#ended()), late]);
    clearTimeout(cutOff);
    clearTimeout(last);
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  #cutOff(drainSeconds: number): void {
    if (this.#sockets.size === 0) return;
    this.#options.log.warn(
      { drainSeconds, connections: this.#sockets.size },
      'the drain is over: cutting off',
    );
    for (const { ssh } of this.#connections.values()) void ssh.cutOff();
  }

  /** The listener may close before its last sockets have said that they have: then these would be heard of when all is over. */
  async #ended(): Promise<void> {
    const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));
    await Promise.all([...this.#sockets.keys()].map(closed));
    await Promise.all([...this.#connections.values()].map(({ ssh }) => ssh.ended()));
  }

  #onSocket(socket: Socket): void {
    const { door, loginGraceSeconds, observeLogin, findClient, log } = this.#options;
    const { remoteAddress: address, remotePort: port = 0 } = socket;
    if (address === undefined) return void socket.destroy();
    const turnAway = (why: Refusal, sourceIp: string, login: LoginObserver) => {
      login.ended('turned_away');
      this.#refused(why, sourceIp);
      socket.destroy();
    };
    const known = findClient === undefined ? address : undefined;
    const visit = door.knock(() => socket.destroy(), known);
    if (typeof visit === 'string') return void turnAway(visit, address, observeLogin(address, port));
    this.#sockets.set(socket, undefined);
    let isLate = false;
    const grace = setTimeout(() => {
      const caller = this.#sockets.get(socket);
      const sourceIp = caller?.client.address ?? address;
      const sessionId = this.#connections.get(socket)?.connection.id;
      log.info(
        {
          activityType: Activity.EXIT_REASON,
          ...(sessionId === undefined ? {} : { sessionId }),
          sourceIp,
          loginGraceSeconds,
          ...caller?.login.fields,
        },
        'no login in time',
      );
      isLate = true;
      socket.destroy();
    }, loginGraceSeconds * 1000);
    socket.once('close', () => {
      clearTimeout(grace);
      visit.ended(isLate);
      const caller = this.#sockets.get(socket);
      if (caller === undefined) observeLogin(address, port).ended('no_client');
      else caller.login.ended('no_login');
      this.#sockets.delete(socket);
      void this.#connections
        .get(socket)
        ?.ssh.ended()
        .then(() => this.#connections.delete(socket));
    });
    socket.once('sluice:authenticated', () => {
      clearTimeout(grace);
      visit.loggedIn();
    });
    const find = findClient ?? findDirectClient;
    find(socket, { address, port }, (client) => {
      const refusal = visit.from(client.address);
      const login = observeLogin(client.address, client.port);
      this.#sockets.set(socket, { client, login, visit });
      if (refusal !== undefined) turnAway(refusal, client.address, login);
      else this.#ssh.injectSocket(socket);
    });
  }

  /** ssh2 has read the client's identification string. */
  #onHandshake(ssh2Client: SshClient, info: ssh2.ClientInfo): void {
    const { _sock: socket } = ssh2Client as ClientInternals;
    const caller = socket && this.#sockets.get(socket);
    if (socket === undefined || caller === undefined) return void ssh2Client.end();
    const { client, login, visit } = caller;
    visit.identified();
    const { authenticator, enter, algorithms, rekeying, openSession } = this.#options;
    const { idleTimeoutSeconds, drainSeconds, holdWindow } = this.#options;
    const connection = {
      id: randomUUID(),
      clientAddress: client.address,
      clientPort: client.port,
      clientVersion: info.header.versions.software.slice(0, MAX_CLIENT_VERSION),
    };
    login.identified(connection);
    const log = withFields(this.#options.log, {
      sessionId: connection.id,
      sourceIp: client.address,
      ...login.fields,
    });
    log.debug({ client: connection.clientVersion }, 'connected');
    const ssh = new SshConnection({
      client: ssh2Client,
      socket,
      connection,
      authenticator,
      enter,
      algorithms,
      rekeying,
      openSession,
      idleTimeoutSeconds,
      drainSeconds,
      keepaliveIntervalMs: this.#keepaliveIntervalMs,
      holdWindow,
      login,
      guessed: () => visit.guessed(),
      onAuthenticated: () => socket.emit('sluice:authenticated'),
      log,
    });
    this.#connections.set(socket, { connection, connectedAt: new Date(), ssh });
    // Who says nothing has no packets under way.
    socket.once('close', this.#options.holdConnection());
    socket.once('close', () => {
      const { bytesRead: bytesIn, bytesWritten: bytesOut } = socket;
      const user = ssh.principal?.username;
      const who = user === undefined ? {} : { user };
      log.info({ activityType: Activity.DISCONNECTED, ...who, bytesIn, bytesOut }, 'disconnected');
    });
  }
}
