import type { Socket } from 'node:net';
import type { Connection as SshClient } from 'ssh2';

/** SSH_MSG_DISCONNECT and its reasons (RFC 4253, section 11.1). */
const DISCONNECT = 1;
export const DisconnectReason = { BY_APPLICATION: 11, TOO_MANY_CONNECTIONS: 12 } as const;

/** What ssh2 has of a connection and does not document: its own way to disconnect gives no reason that a person could read. */
interface ClientInternals {
  readonly _protocol?: {
    readonly _packetRW?: {
      readonly write: {
        readonly allocStartKEX: number;
        alloc(payloadBytes: number, always: boolean): Buffer;
        finalize(packet: Buffer, always: boolean): Buffer;
      };
    };
    readonly _cipher?: { encrypt(packet: Buffer): void };
  };
}

/** Ends a connection behind what was sent already; clients show `description` to their user. By an ssh2 with other insides they see none. */
export function disconnect(
  client: SshClient,
  socket: Socket,
  reason: (typeof DisconnectReason)[keyof typeof DisconnectReason],
  description: string,
): void {
  const { _packetRW: packets, _cipher: cipher } = (client as ClientInternals)._protocol ?? {};
  if (packets === undefined || cipher === undefined || !socket.writable) return void client.end();
  const { write } = packets;
  const text = Buffer.from(description);
  const packet = write.alloc(13 + text.length, true);
  let at = packet.writeUInt8(DISCONNECT, write.allocStartKEX);
  at = packet.writeUInt32BE(reason, at);
  at = packet.writeUInt32BE(text.length, at);
  at += text.copy(packet, at);
  // The language of the description: none is named.
  packet.writeUInt32BE(0, at);
  cipher.encrypt(write.finalize(packet, true));
  socket.end();
}
