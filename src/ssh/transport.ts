import type { Socket } from 'node:net';
import type { ServerChannel, Connection as SshClient } from 'ssh2';
import { type Algorithms, MLKEM768_X25519 } from './algorithms.ts';
import { type ChannelInput, ChannelInputs } from './channel-inputs.ts';
import { isLent, lendReads } from './frugal-socket.ts';
import { type ClientOffer, readKexInit } from './kexinit.ts';
import { type Flood, MessageAllowance } from './message-allowance.ts';
import { makePacketsThriftily } from './outgoing-packets.ts';
import { exchangeKeys, offerHybrid } from './post-quantum.ts';
import { Rekeying, type RekeyingOptions } from './rekeying.ts';
import type { SocketValve } from './socket-valve.ts';
import {
  interceptMessages,
  type OnPayload,
  type Payload,
  type Protocol,
  protocolOf,
} from './ssh2-internals.ts';

/** RFC 4253, section 12. */
const KEXINIT = 20;

/** RFC 4254, section 5.2. */
const CHANNEL_DATA = 94;

/** What a client may send before it has logged in, in bytes: a hundred requests with keys as large as there are take half of it. */
const MAX_BYTES_BEFORE_LOGIN = 512 * 1024;

/** Answers that may wait in the socket for a client that goes on sending, in bytes: channels alone keep to far less. */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024;

/** Why a connection is ended: fixed sentences, for the log. */
export type TransportFault =
  | Flood
  | 'too many key exchanges'
  | 'a key exchange that does not end'
  | 'too much before the login'
  | 'answers that are not taken';

/** For tests: how soon new keys are asked for, and how long that may take. */
export type RekeyingLimits = Pick<RekeyingOptions, 'bytesPerKey' | 'timeoutMs'>;

export interface TransportOptions {
  readonly client: SshClient;
  readonly socket: Socket;
  readonly valve: SocketValve;
  readonly algorithms: Algorithms;
  readonly rekeying?: RekeyingLimits | undefined;
  /** The connection is over: nothing more that came is looked at. */
  readonly onFault: (fault: TransportFault) => void;
}

/**
 * What goes on below authentication and channels (RFC 4253), as far as it is not ssh2's: the post-quantum key exchange, new keys in
 * time, bounds on what a client may have done, and data of channels without a copy. Must be made in the event `connection`.
 */
export class Transport {
  readonly #protocol: Protocol;
  readonly #rekeying: Rekeying;
  readonly #allowance = new MessageAllowance();
  readonly #inputs: ChannelInputs;
  readonly #fail: (fault: TransportFault) => undefined;
  #offer: ClientOffer | undefined;
  #hasFailed = false;

  constructor({ client, socket, valve, algorithms, rekeying, onFault }: TransportOptions) {
    this.#protocol = protocolOf(client);
    this.#fail = (fault) => {
      if (this.#hasFailed) return undefined;
      this.#hasFailed = true;
      onFault(fault);
      socket.destroy();
      return undefined;
    };
    this.#rekeying = new Rekeying({
      client,
      socket,
      valve,
      onStalled: () => this.#fail('a key exchange that does not end'),
      ...rekeying,
    });
    if (algorithms.kex.includes(MLKEM768_X25519)) offerHybrid(this.#protocol);
    this.#inputs = new ChannelInputs(this.#protocol);
    lendReads(socket);
    client.on('handshake', () => makePacketsThriftily(this.#protocol._cipher, socket));
    interceptMessages(this.#protocol, (payload, next) => this.#onMessage(payload, next));
    let isLoggedIn = false;
    client.once('ready', () => {
      isLoggedIn = true;
    });
    socket.on('data', () => {
      this.#keepPartial();
      if (!isLoggedIn && socket.bytesRead > MAX_BYTES_BEFORE_LOGIN) this.#fail('too much before the login');
      if (socket.writableLength > MAX_UNSENT_BYTES) this.#fail('answers that are not taken');
    });
  }

  /** What the client has offered last; undefined before that. */
  get offer(): ClientOffer | undefined {
    return this.#offer;
  }

  /** Resolves at the end of the exchange of keys that is under way; undefined when none is. */
  get exchange(): Promise<void> | undefined {
    return this.#rekeying.pending;
  }

  /** What the client sends on a channel. */
  inputOf(channel: ServerChannel): ChannelInput {
    return this.#inputs.of(channel);
  }

  /** A message of which not all has come is the one thing that ssh2 leaves where it lies. */
  #keepPartial(): void {
    const { _decipher: decipher } = this.#protocol;
    if (decipher._packet !== null && isLent(decipher._packet))
      decipher._packet = Buffer.from(decipher._packet);
  }

  #onMessage(lent: Payload, next: OnPayload): ReturnType<OnPayload> {
    if (this.#hasFailed) return undefined;
    // Of other messages ssh2 keeps parts.
    const payload = lent[0] === CHANNEL_DATA ? lent : Buffer.from(lent);
    if (payload[0] === KEXINIT) {
      if (!this.#rekeying.begin()) return this.#fail('too many key exchanges');
      this.#offer = readKexInit(payload);
      return exchangeKeys(this.#protocol, payload, next);
    }
    const refusal = this.#allowance.refusalOf(payload);
    return refusal === undefined ? next(payload) : this.#fail(refusal);
  }
}
