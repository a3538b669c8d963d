/** Numbers of messages (RFC 4250, section 4.1). */
const CHANNEL_OPEN = 90;
const CHANNEL_WINDOW_ADJUST = 93;
const CHANNEL_DATA = 94;

/** What a client may send at once besides data, in messages, and how much of that it gets back in a second. */
const BURST = 1000;
const PER_SECOND = 200;

/**
 * Least "maximum packet size" of a channel, in bytes: replies are cut into packets of that, and ssh2 goes on for ever with packets
 * of none (mscdex/ssh2 issue 1504). Clients have 16 KiB and more.
 */
const LEAST_PACKET_BYTES = 1024;

/** Why a connection is ended: fixed sentences, for the log. */
export type Flood = 'too many messages that carry no data' | 'a channel for packets of next to nothing';

/**
 * Bounds what a client may ask of SSH itself. Each such message is cheap to send, and costs an answer that has to wait somewhere, or
 * work: global requests, channels, IGNORE and DEBUG, what nobody knows. Data is bounded by the channel's window.
 */
export class MessageAllowance {
  readonly #now: () => number;
  #left = BURST;
  #at: number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#at = now();
  }

  /** Undefined when the message may be handed on. */
  refusalOf(payload: Buffer): Flood | undefined {
    const type = payload[0];
    if (type === CHANNEL_DATA || type === CHANNEL_WINDOW_ADJUST) return undefined;
    if (type === CHANNEL_OPEN && packetSizeOf(payload) < LEAST_PACKET_BYTES) {
      return 'a channel for packets of next to nothing';
    }
    const now = this.#now();
    this.#left = Math.min(BURST, this.#left + ((now - this.#at) / 1000) * PER_SECOND);
    this.#at = now;
    if (this.#left < 1) return 'too many messages that carry no data';
    this.#left -= 1;
    return undefined;
  }
}

/** Of a CHANNEL_OPEN (RFC 4254, section 5.1): behind the type of the channel, its number and its window. Infinity when it is cut. */
function packetSizeOf(payload: Buffer): number {
  if (payload.length < 5) return Number.POSITIVE_INFINITY;
  const at = 5 + payload.readUInt32BE(1) + 8;
  return payload.length < at + 4 ? Number.POSITIVE_INFINITY : payload.readUInt32BE(at);
}
