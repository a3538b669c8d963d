import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer } from 'node:net';
import { str } from './sftp-packets.ts';

const ED25519 = 'sk-ssh-ed25519@openssh.com';
const ECDSA = 'sk-ecdsa-sha2-nistp256@openssh.com';
const APPLICATION = 'ssh:';

/** What the authenticator's owner has done (WebAuthn, section 6.1). */
export const TOUCHED = 0x01;
export const VERIFIED = 0x04;

/** A FIDO authenticator with one key, in software. */
export interface SoftSecurityKey {
  readonly algorithm: string;
  readonly blob: Buffer;
  /** As in a `.pub` file. */
  readonly line: string;
  /** As OpenSSH sends it: the name of the algorithm, the signature, flags, counter. `flags` is what its owner does from now on. */
  sign(message: Buffer): Buffer;
  flags: number;
}

export function createSecurityKey(type: 'ed25519' | 'ecdsa'): SoftSecurityKey {
  const made = type === 'ed25519' ? makeEd25519() : makeEcdsa();
  const { algorithm, blob, sign: signWith } = made;
  let counter = 0;
  return {
    algorithm,
    blob,
    line: `${algorithm} ${blob.toString('base64')} soft@test`,
    flags: TOUCHED,
    sign(message) {
      counter += 1;
      const trailer = Buffer.alloc(5);
      trailer.writeUInt8(this.flags);
      trailer.writeUInt32BE(counter, 1);
      const signed = Buffer.concat([sha256(APPLICATION), trailer, sha256(message)]);
      return Buffer.concat([str(algorithm), str(signWith(signed)), trailer]);
    },
  };
}

function makeEd25519() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    algorithm: ED25519,
    blob: Buffer.concat([str(ED25519), str(coordinate(publicKey, 'x')), str(APPLICATION)]),
    sign: (signed: Buffer) => sign(undefined, signed, privateKey),
  };
}

function makeEcdsa() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const point = Buffer.concat([Buffer.of(4), coordinate(publicKey, 'x'), coordinate(publicKey, 'y')]);
  return {
    algorithm: ECDSA,
    blob: Buffer.concat([str(ECDSA), str('nistp256'), str(point), str(APPLICATION)]),
    sign: (signed: Buffer) => {
      const raw = sign('sha256', signed, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return Buffer.concat([mpint(raw.subarray(0, 32)), mpint(raw.subarray(32))]);
    },
  };
}

function coordinate(key: KeyObject, name: 'x' | 'y'): Buffer {
  return Buffer.from(key.export({ format: 'jwk' })[name] as string, 'base64url');
}

/** A positive number as SSH has it (RFC 4251, section 5). */
function mpint(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const bare = bytes.subarray(first);
  return str((bare[0] ?? 0) < 0x80 ? bare : Buffer.concat([Buffer.of(0), bare]));
}

function sha256(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}

const AGENT = { failure: 5, requestIdentities: 11, identitiesAnswer: 12, signRequest: 13, signResponse: 14 };

/** An ssh-agent (draft-ietf-sshm-ssh-agent) that has these keys, for the real OpenSSH client. */
export async function startAgent(path: string, keys: readonly SoftSecurityKey[]) {
  const server = createServer((socket) => {
    let pending = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE()) {
        const end = 4 + pending.readUInt32BE();
        socket.write(str(answer(keys, pending.subarray(4, end))));
        pending = pending.subarray(end);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { close: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}

function answer(keys: readonly SoftSecurityKey[], request: Buffer): Buffer {
  if (request[0] === AGENT.requestIdentities) {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(keys.length);
    const entries = keys.flatMap(({ blob }) => [str(blob), str('soft')]);
    return Buffer.concat([Buffer.of(AGENT.identitiesAnswer), count, ...entries]);
  }
  if (request[0] !== AGENT.signRequest) return Buffer.of(AGENT.failure);
  const blobEnd = 5 + request.readUInt32BE(1);
  const blob = request.subarray(5, blobEnd);
  const message = request.subarray(blobEnd + 4, blobEnd + 4 + request.readUInt32BE(blobEnd));
  const key = keys.find((candidate) => candidate.blob.equals(blob));
  if (key === undefined) return Buffer.of(AGENT.failure);
  return Buffer.concat([Buffer.of(AGENT.signResponse), str(key.sign(message))]);
}
