import type { ServerChannel, Connection as SshClient } from 'ssh2';

/** An SSH message without its padding (RFC 4253, section 6); the first byte is its number. */
export type Payload = Buffer;

/** Answers false when what comes behind the message in the same bytes is for other keys. */
export type OnPayload = (payload: Payload) => false | undefined;

/** Each list as it is compared and as it is sent. */
interface NameList {
  readonly array: readonly string[];
}

interface Direction<T> {
  readonly cipher: T;
  readonly mac: T;
  readonly compress: T;
  readonly lang: T;
}

interface OfferLists<T> {
  readonly kex: T;
  readonly serverHostKey: T;
  readonly cs: Direction<T>;
  readonly sc: Direction<T>;
}

/** What a server puts into its KEXINIT. */
export interface Offer {
  readonly lists: OfferLists<NameList>;
  readonly constructor: unknown;
}

/** One key exchange on the server's side, from the client's KEXINIT to NEWKEYS. */
export interface KeyExchange {
  readonly negotiated: { kex: string };
  /** The payload of the client's KEXINIT, which both sides sign. */
  _remoteKexinit: Payload;
  /** Of what the client sent for the exchange: as it goes into the hash. */
  convertPublicKey(clientInit: Buffer): Buffer;
  /** The secret K, as it goes into the hash behind its length; what is wrong with `clientInit` is returned. Called first. */
  computeSecret(clientInit: Buffer): Buffer | Error;
  /** What the server sends for the exchange. */
  getPublicKey(): Buffer;
}

/**
 * What is used of ssh2's transport and that it does not document. test/ssh/ssh2-internals holds the installed version against it, and
 * docs/adr/0022 says what each is for.
 */
export interface Protocol {
  _offer: Offer;
  readonly _kex: KeyExchange | undefined;
  readonly _decipher: {
    /** Takes what comes in until the first keys are there, and during each exchange after that. */
    _onPayload: OnPayload;
    /** What has come of a message that is not whole: where it lies, when only its authentication is missing. */
    _packet: Uint8Array | null;
  };
  /** For what goes out; another one after each exchange of keys. */
  readonly _cipher: Cipher;
  /** Takes everything else that comes in. */
  _onPayload: OnPayload;
  /** What becomes of messages that make sense. */
  readonly _handlers: { CHANNEL_DATA: OnChannelData };
  /** Lets the other side send more on a channel, by its number there (RFC 4254, section 5.2). */
  readonly channelWindowAdjust: (id: number, bytes: number) => void;
}

export interface Cipher {
  /**
   * A packet (RFC 4253, section 6) in which all is there but the payload: the length of what follows, that of the padding, room for the
   * payload, the padding, and room for what authenticates it, if that lies there.
   */
  allocPacket(payloadLength: number): Buffer;
  /** Sends such a packet, encrypted where it lies or elsewhere. It is not kept. */
  encrypt(packet: Buffer): void;
}

/** `id` is the number of the channel here. */
export type OnChannelData = (protocol: Protocol, id: number, data: Buffer) => void;

/** A channel's numbers, here and at the other side. */
interface ChannelInternals {
  readonly incoming: { readonly id: number };
  readonly outgoing: {
    readonly id: number;
    readonly state: string;
    /** Bytes that the other side has room for. */
    readonly window: number;
  };
}

export function numbersOf(channel: ServerChannel): ChannelInternals {
  return channel as unknown as ChannelInternals;
}

export function protocolOf(client: SshClient): Protocol {
  return (client as unknown as { readonly _protocol: Protocol })._protocol;
}

/** Hands a message on to ssh2 and its answer back, or does not. */
export type Intercept = (payload: Payload, next: OnPayload) => ReturnType<OnPayload>;

/**
 * Puts `intercept` before what takes the messages of a client. Must be called in the event `connection`, before the first one comes;
 * of an exchange of keys after the first it sees the KEXINIT and nothing else.
 */
export function interceptMessages(protocol: Protocol, intercept: Intercept): void {
  const intercepted =
    (next: OnPayload): OnPayload =>
    (payload) =>
      intercept(payload, next);
  protocol._decipher._onPayload = intercepted(protocol._decipher._onPayload);
  protocol._onPayload = intercepted(protocol._onPayload);
}
