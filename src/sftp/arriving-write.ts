import { type HandleTable, markSpoilt, type UploadHandle } from './handle-table.ts';
import { ok } from './handlers/ok.ts';
import { MalformedRequest } from './wire/fields.ts';
import type { PacketFramer } from './wire/framing.ts';
import { readWriteHead, WRITE_HEADER_BYTES, type WriteHead } from './wire/read-request.ts';

/**
 * A WRITE, which is carried out while it arrives. Its payload is handed on piece by piece, so that what a slow client
 * has sent of it lies in the upload's buffers, which are accounted for, and not in the framer's.
 *
 * Nothing can overtake it: the packet behind it cannot be read before it is over. What is wrong with it is known
 * before its end, and what follows is passed over then; the reply is due when the whole packet is in all the same.
 */
export class ArrivingWrite {
  readonly kind = 'write';
  readonly id: number;
  readonly #framer: PacketFramer;
  #upload: UploadHandle | undefined;
  #failure: unknown;
  /** Offset in the file of the next byte. */
  #at = 0;
  #payloadBytes = 0;
  /** Bytes of the packet still to come, what stands behind its payload included. */
  #packetBytes: number;

  private constructor(id: number, framer: PacketFramer, packetBytes: number) {
    this.id = id;
    this.#framer = framer;
    this.#packetBytes = packetBytes;
  }

  /** Takes the head of the next packet off the framer, if it is a WRITE and its head is there. */
  static begin(framer: PacketFramer, handles: HandleTable): ArrivingWrite | undefined {
    const packet = framer.peek(WRITE_HEADER_BYTES);
    if (packet === undefined) return undefined;
    try {
      const head = readWriteHead(packet);
      if (head === undefined) return undefined;
      framer.skip(4 + head.headBytes);
      const write = new ArrivingWrite(head.id, framer, packet.length - head.headBytes);
      write.#open(head, handles);
      return write;
    } catch (error) {
      if (!(error instanceof MalformedRequest) || error.id === undefined) throw error;
      framer.skip(4);
      const write = new ArrivingWrite(error.id, framer, packet.length);
      write.#failure = error;
      return write;
    }
  }

  /** Hands on what has arrived. A promise means that the upload has no room; it never rejects. */
  advance(): Promise<void> | 'incomplete' | 'complete' {
    while (this.#packetBytes > 0) {
      const isPayload = this.#payloadBytes > 0;
      const piece = this.#framer.piece(isPayload ? this.#payloadBytes : this.#packetBytes);
      if (piece === undefined) return 'incomplete';
      this.#packetBytes -= piece.length;
      if (!isPayload) continue;
      this.#payloadBytes -= piece.length;
      const waiting = this.#write(piece);
      if (waiting !== undefined) return waiting;
    }
    return 'complete';
  }

  /** What the whole packet is answered. Throws what it failed of. */
  reply(): Buffer {
    if (this.#failure !== undefined) throw this.#failure;
    return ok(this.id);
  }

  #open({ handle, offset, length }: WriteHead, handles: HandleTable): void {
    try {
      const upload = handles.get(handle, 'upload');
      if (upload.failure !== undefined) throw upload.failure;
      this.#upload = upload;
      this.#at = offset;
      this.#payloadBytes = length;
    } catch (error) {
      this.#failure = error;
    }
  }

  #write(piece: Buffer): Promise<void> | undefined {
    const handle = this.#upload;
    if (handle === undefined) return undefined;
    const offset = this.#at;
    this.#at += piece.length;
    try {
      const bytes = handle.upload.takesAtOnce === true ? piece : Buffer.from(piece);
      return handle.upload.writeChunk(offset, bytes)?.catch((error) => this.#refuse(handle, error));
    } catch (error) {
      this.#refuse(handle, error);
      return undefined;
    }
  }

  /** The rest of the payload is passed over. */
  #refuse(handle: UploadHandle, error: unknown): void {
    markSpoilt(handle, error);
    this.#failure = handle.failure;
    this.#upload = undefined;
  }
}
