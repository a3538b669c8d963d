import type { Socket } from 'node:net';
import type { ClientErrorExtensions, ServerChannel, Session, Connection as SshClient } from 'ssh2';
import type { Authenticator } from '../contract/auth.ts';
import type { Connection, Principal } from '../contract/context.ts';
import { Activity, type Log } from '../contract/log.ts';
import type { SftpSession, SftpTransport } from '../sftp/session.ts';
import { answerAuthentication } from './authenticate.ts';
import { runSftpChannel } from './channel.ts';
import { watchSilence } from './keepalive.ts';
import type { LoginObserver } from './login-observer.ts';
import { SocketValve } from './socket-valve.ts';

/** Channels of one connection, whatever they are for and until the client closes them; AWS Transfer Family allows as many. */
const MAX_CHANNELS = 10;

/** How long a client may take to go once it was told to, in milliseconds; a vanished one never does. */
const GOODBYE_MS = 2_000;

/** What who asks for a shell or a command is told, `scp -O` among them: without it they would hear of a failed request. */
const SFTP_ONLY =
  'Only SFTP is served here: no shell, no commands, no scp -O. Use sftp, or scp as it is since OpenSSH 9.\r\n';

/** Longest user name that is logged: it is whatever a client sends. */
const MAX_USERNAME = 128;

export interface SshConnectionOptions {
  readonly client: SshClient;
  readonly socket: Socket;
  readonly connection: Connection;
  readonly authenticator: Authenticator;
  readonly idleTimeoutSeconds: number;
  readonly keepaliveIntervalMs: number;
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
  readonly #sessions = new Set<SftpSession>();
  #openChannels = 0;
  #principal: Principal | undefined;
  #negotiated: { readonly kex: string; readonly ciphers: string } | undefined;
  #idle: NodeJS.Timeout | undefined;
  #isDraining = false;

  constructor(options: SshConnectionOptions) {
    this.#options = options;
    this.#valve = new SocketValve(options.socket);
    const { client, connection, authenticator, login, log } = options;
    client.on('error', ({ level, message: reason }: Error & ClientErrorExtensions) => {
      // Its software and the server have no algorithm in common: who asks why it cannot connect finds it here.
      if (level === 'handshake') log.info({ reason }, 'handshake failed');
      else log.debug({ reason }, 'connection error');
    });
    client.on('handshake', ({ kex, cs, sc }) => {
      this.#negotiated = { kex, ciphers: [...new Set([cs.cipher, sc.cipher])].join(',') };
      login.negotiated({ kex, cipher: cs.cipher });
    });
    client.on(
      'authentication',
      answerAuthentication(authenticator, connection, {
        attempted: (user, method) => {
          const ended = login.attempted(user, method);
          return (outcome, { principal, error } = {}) => {
            ended(outcome, error);
            if (principal !== undefined) this.#onPrincipal(principal, method);
            else if (outcome !== 'offered' && outcome !== 'partial')
              this.#onRefused(user.slice(0, MAX_USERNAME), method, error);
          };
        },
        guessed: options.guessed,
        exhausted: () => {
          log.info({}, 'too many failed authentication attempts');
          client.end();
        },
      }),
    );
    client.on('ready', () => {
      options.onAuthenticated();
      this.#watchIdleness();
      watchSilence(options.socket, this.#valve, options.keepaliveIntervalMs, () => {
        log.info({}, 'the client answers no more');
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
    options.socket.once('close', () => clearTimeout(this.#idle));
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
    client.end();
    setTimeout(() => socket.destroy(), GOODBYE_MS).unref();
  }

  /** Ends every session; resolves when their uploads are aborted, and those that were being finished are. */
  async ended(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.end()));
  }

  #onPrincipal(principal: Principal, method: string): void {
    const { connection, login, log } = this.#options;
    this.#principal = principal;
    log.info(
      {
        activityType: Activity.CONNECTED,
        user: principal.username,
        method,
        client: connection.clientVersion,
        ...this.#negotiated,
      },
      'authenticated',
    );
    login.ended('logged_in');
  }

  #onRefused(user: string, method: string, err: unknown): void {
    const { log } = this.#options;
    const line = { activityType: Activity.AUTH_FAILURE, user, method };
    if (err === undefined) log.info(line, 'authentication refused');
    else log.error({ ...line, err }, 'the authenticator failed');
  }

  #onSession(session: Session): void {
    session.on('shell', (accept) => refuseCommand(accept()));
    session.on('exec', (accept) => refuseCommand(accept()));
    session.on('subsystem', (accept, reject, { name }) => {
      const principal = this.#principal;
      // No answer may be wanted, and then there is none to give.
      if (name !== 'sftp' || principal === undefined || this.#isDraining) return reject?.();
      const { connection, socket, openSession } = this.#options;
      const channel = accept() as ServerChannel | undefined;
      if (channel === undefined) return;
      const sftp = runSftpChannel({
        channel,
        socket,
        valve: this.#valve,
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
    const { idleTimeoutSeconds, socket, log } = this.#options;
    this.#idle = setTimeout(() => {
      if ([...this.#sessions].some((session) => session.isBusy)) {
        this.#idle?.refresh();
        return;
      }
      log.info({ idleTimeoutSeconds }, 'idle connection closed');
      // Behind bytes that the client does not take, our last words would never leave.
      if (socket.writableLength > 0) socket.destroy();
      else this.end();
    }, idleTimeoutSeconds * 1000);
  }
}

/** A command that did nothing, said so and failed. There is no channel when the session has one already. */
function refuseCommand(channel: ServerChannel | undefined): void {
  if (channel === undefined) return;
  channel.stderr.write(SFTP_ONLY);
  channel.exit(1);
  channel.close();
}
