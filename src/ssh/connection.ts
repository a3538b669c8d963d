import type { Socket } from 'node:net';
import type { ClientErrorExtensions, ServerChannel, Session, Connection as SshClient } from 'ssh2';
import type { Gatekeeper, Refusal } from '../contract/auth.ts';
import type { Connection, Principal } from '../contract/context.ts';
import { Activity, type Log, withFields } from '../contract/log.ts';
import type { SftpSession, SftpTransport } from '../sftp/session.ts';
import { ALGORITHMS, type AlgorithmPolicy } from './algorithms.ts';
import { atInstant } from './at-instant.ts';
import { answerAuthentication } from './authenticate.ts';
import { runSftpChannel } from './channel.ts';
import { DisconnectReason, disconnect } from './disconnect.ts';
import { watchSilence } from './keepalive.ts';
import { type Attempt, logNotAccepted, MAX_LOGGED, toAttempt, toNegotiated, toOffered } from './login-log.ts';
import type { LoginObserver } from './login-observer.ts';
import type { HoldWindow } from './receive-window.ts';
import { refuseCommand } from './refuse-command.ts';
import { SocketValve } from './socket-valve.ts';
import { type RekeyingLimits, Transport } from './transport.ts';

/** Channels of one connection, whatever they are for and until the client closes them; AWS Transfer Family allows as many. */
const MAX_CHANNELS = 10;

/** How long a client may take to go once it was told to, in milliseconds; a vanished one never does. */
const GOODBYE_MS = 2_000;

const TOO_MANY_SESSIONS = 'too many sessions of this user';

export interface SshConnectionOptions {
  readonly client: SshClient;
  readonly socket: Socket;
  readonly connection: Connection;
  readonly authenticator: Gatekeeper;
  /** Counts a connection that is about to be logged in; undefined when its user has too many. The returned function is called at its end. */
  readonly enter: (principal: Principal) => (() => void) | undefined;
  readonly algorithms: AlgorithmPolicy;
  readonly rekeying?: RekeyingLimits | undefined;
  readonly idleTimeoutSeconds: number;
  /** How long what is open may go on once the time of a user is over, in seconds. */
  readonly drainSeconds: number;
  readonly keepaliveIntervalMs: number;
  /** Accounts for windows that are larger than the first. */
  readonly holdWindow: HoldWindow;
  readonly openSession: (
    principal: Principal,
    connection: Connection,
    transport: SftpTransport,
  ) => SftpSession;
  readonly login: LoginObserver;
  /** A password or a signature was wrong: how much later than usual to say so, in milliseconds. */
  readonly guessed: () => number;
  readonly onAuthenticated: () => void;
  /** Names the connection in each line. */
  readonly log: Log;
}

/** One SSH connection: authentication, then SFTP sessions. Shells, commands and forwarding are refused. */
export class SshConnection {
  readonly #options: SshConnectionOptions;
  readonly #valve: SocketValve;
  readonly #transport: Transport;
  readonly #sessions = new Set<SftpSession>();
  #openChannels = 0;
  #principal: Principal | undefined;
  #negotiated: ReturnType<typeof toNegotiated> | undefined;
  #idle: NodeJS.Timeout | undefined;
  #isDraining = false;
  /** Names who has logged in, as soon as somebody has. */
  #log: Log;
  /** What the client is told at the end. */
  #farewell: string | undefined;

  constructor(options: SshConnectionOptions) {
    this.#options = options;
    this.#valve = new SocketValve(options.socket);
    this.#log = options.log;
    const { client, connection, socket, authenticator, algorithms, rekeying, login, log } = options;
    this.#transport = new Transport({
      client,
      socket,
      valve: this.#valve,
      algorithms: ALGORITHMS[algorithms],
      rekeying,
      onFault: (reason) => log.info({ reason }, 'connection cut off'),
    });
    client.on('error', ({ level, message: reason }: Error & ClientErrorExtensions) => {
      // Its software and the server have no algorithm in common: who asks why it cannot connect finds it here.
      if (level === 'handshake')
        log.info({ reason, ...toOffered(this.#transport.offer, algorithms) }, 'handshake failed');
      else log.debug({ reason }, 'connection error');
    });
    client.once('handshake', (negotiated) => {
      this.#negotiated = toNegotiated(negotiated);
      login.negotiated({ kex: negotiated.kex, cipher: negotiated.cs.cipher });
    });
    client.on(
      'authentication',
      answerAuthentication(authenticator, connection, {
        attempted: (user, method, keyFingerprint) => {
          const ended = login.attempted(user, method);
          return (outcome, detail = {}) => {
            ended(outcome, detail.error);
            const attempt = toAttempt(user, method, keyFingerprint, detail.signature);
            if (detail.principal !== undefined) this.#onPrincipal(detail.principal, attempt);
            else logNotAccepted(log, outcome, attempt, detail);
          };
        },
        admit: (principal) => this.#admit(principal),
        takesSha1: algorithms === 'compatible',
        guessed: options.guessed,
        exhausted: () => {
          log.info({ activityType: Activity.EXIT_REASON }, 'too many failed authentication attempts');
          client.end();
        },
      }),
    );
    client.on('ready', () => {
      options.onAuthenticated();
      this.#watchIdleness();
      watchSilence(options.socket, this.#valve, options.keepaliveIntervalMs, () => {
        this.#log.info({ activityType: Activity.EXIT_REASON }, 'the client answers no more');
        options.socket.destroy();
      });
    });
    client.on('session', (accept, reject) => {
      if (this.#openChannels >= MAX_CHANNELS) return reject();
      this.#openChannels += 1;
      this.#onSession(
        accept().once('close', () => {
          this.#openChannels -= 1;
        }),
      );
    });
    client.on('tcpip', (_accept, reject) => {
      this.#refuse('tcpip');
      reject();
    });
    // ssh2 ends what breaks the protocol, and would wait for ever for the client to end it too.
    socket.once('finish', () => this.#destroySoon());
    socket.once('close', () => clearTimeout(this.#idle));
  }

  /** Who has logged in; undefined before that. */
  get principal(): Principal | undefined {
    return this.#principal;
  }

  /** Opens nothing more, and ends the connection as soon as its client has finished what is open. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    await Promise.all([...this.#sessions].map((session) => session.drain()));
    this.end();
  }

  /** Aborts what is open, answers what is being done, and ends the connection. */
  async cutOff(): Promise<void> {
    this.#isDraining = true;
    await Promise.all([...this.#sessions].map((session) => session.cutOff()));
    this.end();
  }

  /** Behind what was sent already, and without waiting long for the client. */
  end(): void {
    const { client, socket } = this.#options;
    if (this.#farewell === undefined) client.end();
    else disconnect(client, socket, DisconnectReason.BY_APPLICATION, this.#farewell);
    this.#destroySoon();
  }

  #destroySoon(): void {
    setTimeout(() => this.#options.socket.destroy(), GOODBYE_MS).unref();
  }

  /** Ends every session; resolves when their uploads are aborted, and those that were being finished are. */
  async ended(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.end()));
  }

  #admit(principal: Principal): Refusal | undefined {
    const { client, socket, enter, login, onAuthenticated } = this.#options;
    const leave = enter(principal);
    if (leave !== undefined) {
      whenClosed(socket, leave);
      return undefined;
    }
    // Who is known has not guessed, and is not kept outside for it.
    onAuthenticated();
    login.ended('too_many_sessions');
    disconnect(client, socket, DisconnectReason.TOO_MANY_CONNECTIONS, TOO_MANY_SESSIONS);
    this.#destroySoon();
    return { refused: TOO_MANY_SESSIONS };
  }

  #onPrincipal(principal: Principal, attempt: Attempt): void {
    const { connection, login, log } = this.#options;
    const { username: user, limits } = principal;
    this.#principal = principal;
    this.#log = withFields(log, { user });
    this.#log.info(
      {
        activityType: Activity.CONNECTED,
        ...attempt,
        user,
        client: connection.clientVersion,
        ...this.#negotiated,
      },
      'authenticated',
    );
    login.ended('logged_in');
    if (limits?.expires !== undefined) this.#endAt(limits.expires);
  }

  /** As at a shutdown: what is open may be finished, and nothing else begun. */
  #endAt(expires: string): void {
    const { socket, drainSeconds } = this.#options;
    let cutOff: NodeJS.Timeout | undefined;
    const cancel = atInstant(Date.parse(expires), () => {
      this.#log.info({ activityType: Activity.EXIT_REASON, expires, drainSeconds }, 'the user has expired');
      this.#farewell = 'the user has expired';
      cutOff = setTimeout(() => void this.cutOff(), drainSeconds * 1000);
      void this.drain();
    });
    whenClosed(socket, () => {
      cancel();
      clearTimeout(cutOff);
    });
  }

  #refuse(request: string): void {
    this.#log.info(
      { activityType: Activity.REFUSED, request: request.slice(0, MAX_LOGGED) },
      'request refused',
    );
  }

  #onSession(session: Session): void {
    // What the command is stays unsaid: there may be a password in it.
    session.on('shell', (accept) => {
      this.#refuse('shell');
      refuseCommand(accept());
    });
    session.on('exec', (accept) => {
      this.#refuse('exec');
      refuseCommand(accept());
    });
    session.on('subsystem', (accept, reject, { name }) => {
      const principal = this.#principal;
      if (name !== 'sftp') this.#refuse(`subsystem ${name}`);
      // No answer may be wanted, and then there is none to give.
      if (name !== 'sftp' || principal === undefined || this.#isDraining) return reject?.();
      const { connection, socket, holdWindow, openSession } = this.#options;
      const channel = accept() as ServerChannel | undefined;
      if (channel === undefined) return;
      const sftp = runSftpChannel({
        channel,
        input: this.#transport.inputOf(channel),
        socket,
        valve: this.#valve,
        holdWindow,
        exchange: () => this.#transport.exchange,
        createSession: (transport) => openSession(principal, connection, transport),
        onActivity: () => this.#idle?.refresh(),
      });
      this.#sessions.add(sftp);
      channel.on('close', () => void sftp.end().then(() => this.#sessions.delete(sftp)));
    });
  }

  /**
   * A client that waits for an answer is not idle, nor is one that the server keeps waiting to send: whenever the
   * valve is shut, a session is busy. One that takes no replies is.
   */
  #watchIdleness(): void {
    const { idleTimeoutSeconds, socket } = this.#options;
    this.#idle = setTimeout(() => {
      if ([...this.#sessions].some((session) => session.isBusy)) {
        this.#idle?.refresh();
        return;
      }
      this.#log.info({ activityType: Activity.EXIT_REASON, idleTimeoutSeconds }, 'idle connection closed');
      // Behind bytes that the client does not take, our last words would never leave.
      if (socket.writableLength > 0) socket.destroy();
      else this.end();
    }, idleTimeoutSeconds * 1000);
  }
}

/** Also when it is closed already. */
function whenClosed(socket: Socket, run: () => void): void {
  if (socket.closed) run();
  else socket.once('close', run);
}
