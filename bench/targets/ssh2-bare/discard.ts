/** Packet types of draft-ietf-secsh-filexfer-02, section 3. */
const Type = {
  INIT: 1,
  VERSION: 2,
  OPEN: 3,
  CLOSE: 4,
  WRITE: 6,
  REALPATH: 16,
  STATUS: 101,
  HANDLE: 102,
  NAME: 104,
  EXTENDED: 200,
  EXTENDED_REPLY: 201,
} as const;

const Status = { OK: 0, NO_SUCH_FILE: 2 } as const;

/** What of a packet is looked at: its length, its type and its request id. */
const HEADER_BYTES = 9;

/**
 * The least that an upload needs of an SFTP server: every file is missing, every write is OK, and its bytes are
 * skipped where they lie. With `limits@openssh.com`, so that clients send writes of 255 KiB.
 */
export class Discard {
  readonly #send: (replies: Buffer) => void;
  #header = Buffer.alloc(0);
  #skip = 0;

  constructor(send: (replies: Buffer) => void) {
    this.#send = send;
  }

  receive(chunk: Buffer): void {
    const replies: Buffer[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
        continue;
      }
      const taken = chunk.subarray(at, at + HEADER_BYTES - this.#header.length);
      at += taken.length;
      this.#header = Buffer.concat([this.#header, taken]);
      if (this.#header.length < HEADER_BYTES) break;
      this.#skip = this.#header.readUInt32BE(0) + 4 - HEADER_BYTES;
      replies.push(reply(this.#header.readUInt8(4), this.#header.readUInt32BE(5)));
      this.#header = Buffer.alloc(0);
    }
    if (replies.length > 0) this.#send(Buffer.concat(replies));
  }
}

function reply(type: number, id: number): Buffer {
  switch (type) {
    case Type.INIT:
      return packet(Type.VERSION, uint32(3), string('limits@openssh.com'), string('1'));
    case Type.OPEN:
      return packet(Type.HANDLE, uint32(id), string('h'));
    case Type.REALPATH:
      return packet(Type.NAME, uint32(id), uint32(1), string('/'), string('/'), uint32(0));
    case Type.EXTENDED:
      return packet(Type.EXTENDED_REPLY, uint32(id), ...[256, 255, 255].map(kib), uint64(64n));
    case Type.WRITE:
    case Type.CLOSE:
      return status(id, Status.OK);
    default:
      return status(id, Status.NO_SUCH_FILE);
  }
}

function status(id: number, code: number): Buffer {
  return packet(Type.STATUS, uint32(id), uint32(code), string(''), string(''));
}

function packet(type: number, ...fields: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.of(type), ...fields]);
  return Buffer.concat([uint32(body.length), body]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

function kib(value: number): Buffer {
  return uint64(BigInt(value * 1024));
}

function string(value: string): Buffer {
  return Buffer.concat([uint32(value.length), Buffer.from(value)]);
}
