// Runs in AWS Lambda, inline in the template (4,096 characters at most): makes host keys, once, and tells their fingerprints.
const { createHash, createPublicKey, generateKeyPairSync, randomBytes } = require('node:crypto');
const secrets = require('@aws-sdk/client-secrets-manager');

/** A string as SSH has it (RFC 4251, section 5): its length, then its bytes. */
function string(bytes) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, Buffer.from(bytes)]);
}

const toBlob = (...fields) => Buffer.concat(fields.map(string));

/** The number never has its highest bit at the front: it would be negative. */
const toNumber = (bytes) => (bytes[0] & 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes);

/** Of a private key in PEM or in OpenSSH's own format, where it stands in the clear (PROTOCOL.key). */
function publicBlob(key) {
  const [, container] = /BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END/.exec(key) ?? [];
  if (container === undefined) {
    const { kty, crv, e, n, x, y } = createPublicKey(key).export({ format: 'jwk' });
    const bytes = (text) => Buffer.from(text, 'base64url');
    if (kty === 'RSA') return toBlob('ssh-rsa', toNumber(bytes(e)), toNumber(bytes(n)));
    if (kty !== 'EC') throw new Error(`servers do not read keys of the kind ${crv ?? kty} in this format`);
    const curve = crv.replace('P-', 'nistp');
    return toBlob(`ecdsa-sha2-${curve}`, curve, Buffer.concat([Buffer.from([4]), bytes(x), bytes(y)]));
  }
  const body = Buffer.from(container, 'base64');
  let at = 15;
  for (let skipped = 0; skipped < 3; skipped++) at += 4 + body.readUInt32BE(at);
  return body.subarray(at + 8, at + 8 + body.readUInt32BE(at + 4));
}

function toFingerprint(key) {
  const blob = publicBlob(key);
  const kind = blob.subarray(4, 4 + blob.readUInt32BE(0));
  return `${kind} SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** In OpenSSH's format: Node cannot write it, and servers read ed25519 keys in no other. */
function makeEd25519() {
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const [seed, open] = [d, x].map((text) => Buffer.from(text, 'base64url'));
  const blob = toBlob('ssh-ed25519', open);
  const check = randomBytes(4);
  const pair = Buffer.concat([check, check, blob, toBlob(Buffer.concat([seed, open]), '')]);
  const padding = Array.from({ length: -pair.length & 7 }, (_, index) => index + 1);
  const head = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    toBlob('none', 'none', ''),
    Buffer.from([0, 0, 0, 1]),
  ]);
  const body = Buffer.concat([head, toBlob(blob, Buffer.concat([pair, Buffer.from(padding)]))]).toString(
    'base64',
  );
  const [begin, end] = ['BEGIN', 'END'].map((word) => `-----${word} OPENSSH PRIVATE KEY-----\n`);
  return `${begin}${body.replace(/.{1,70}/g, '$&\n')}${end}`;
}

const make = (kind, options, type) =>
  generateKeyPairSync(kind, options).privateKey.export({ type, format: 'pem' });

/** Public keys beside private ones are passed over, as the server does. The message quotes nothing: it goes into events. */
function readObject(text) {
  try {
    return Object.fromEntries(Object.entries(JSON.parse(text)).filter(([name]) => !name.endsWith('.pub')));
  } catch {
    throw new Error('the secret is no JSON object of private keys by name');
  }
}

/** Keys that are there stay: partners know them. */
async function haveKeys(SecretId) {
  const client = new secrets.SecretsManagerClient();
  const { SecretString } = await client.send(new secrets.GetSecretValueCommand({ SecretId }));
  const known = readObject(SecretString);
  if (Object.keys(known).length > 0) return known;
  const keys = {
    ssh_host_ed25519_key: makeEd25519(),
    ssh_host_ecdsa_key: make('ec', { namedCurve: 'P-256' }, 'sec1'),
    ssh_host_rsa_key: make('rsa', { modulusLength: 3072 }, 'pkcs1'),
  };
  await client.send(new secrets.PutSecretValueCommand({ SecretId, SecretString: JSON.stringify(keys) }));
  return keys;
}

exports.handler = async ({ RequestType, ResourceProperties: { SecretId }, ResponseURL, ...request }) => {
  const { StackId, RequestId, LogicalResourceId } = request;
  const answer = { StackId, RequestId, LogicalResourceId, PhysicalResourceId: SecretId, Status: 'SUCCESS' };
  try {
    const keys = RequestType === 'Delete' ? {} : await haveKeys(SecretId);
    answer.Data = { Fingerprints: Object.values(keys).map(toFingerprint).join('\n') };
  } catch (error) {
    // An answer has 4,096 bytes at most.
    Object.assign(answer, { Status: 'FAILED', Reason: `${error}`.slice(0, 1000) });
  }
  await fetch(ResponseURL, { method: 'PUT', body: JSON.stringify(answer) });
};
