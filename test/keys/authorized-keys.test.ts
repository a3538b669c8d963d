import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  AuthorizedKeysError,
  findAuthorizedKey,
  parseAuthorizedKey,
  parseAuthorizedKeys,
} from '../../src/keys/authorized-keys.ts';
import { str } from '../support/sftp-packets.ts';

const BLOB = Buffer.concat([str('ssh-ed25519'), str(Buffer.alloc(32, 7))]);
const KEY = `ssh-ed25519 ${BLOB.toString('base64')}`;
const credentials = { key: { algorithm: 'ssh-ed25519', blob: BLOB } };

afterEach(() => {
  vi.useRealTimers();
});

function faultOf(line: string): string {
  try {
    parseAuthorizedKey(line);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

/** Whether the key of the line lets in who comes from there. */
function admits(line: string, clientAddress: string): boolean {
  return findAuthorizedKey([parseAuthorizedKey(line)], credentials, { clientAddress }) !== undefined;
}

describe('a line', () => {
  test.each([
    [KEY, ''],
    [`  ${KEY}  `, ''],
    [`${KEY} acme@partner`, 'acme@partner'],
    [`${KEY}\tthe key of acme, from="nowhere"`, 'the key of acme, from="nowhere"'],
    [`restrict ${KEY} c`, 'c'],
    [`no-pty,no-agent-forwarding,no-X11-forwarding,No-Port-Forwarding,no-user-rc ${KEY}`, ''],
    [`restrict,pty,permitopen="localhost:80",permitlisten="8080" ${KEY}`, ''],
  ])('has a key that may be used from anywhere, for ever: %s', (line, comment) => {
    expect(parseAuthorizedKey(line)).toEqual({
      key: credentials.key,
      comment,
      from: undefined,
      expiresAt: undefined,
      requiresTouch: true,
      requiresVerification: false,
    });
  });

  test('has its options whatever their order and case', () => {
    const line = `NO-TOUCH-REQUIRED,from="192.0.2.1",verify-required,Expiry-Time="20300102Z",restrict ${KEY}`;
    expect(parseAuthorizedKey(line)).toMatchObject({
      from: '192.0.2.1',
      expiresAt: new Date('2030-01-02T00:00:00Z'),
      requiresTouch: false,
      requiresVerification: true,
    });
  });

  test.each([
    ['', 'must be a line of an authorized_keys file'],
    ['# a comment', 'must be a line of an authorized_keys file'],
    ['ssh-ed25519', 'must be a line of an authorized_keys file'],
    [BLOB.toString('base64'), 'must be a line of an authorized_keys file'],
    ['-----BEGIN OPENSSH PRIVATE KEY-----', 'must be a line of an authorized_keys file'],
    [`${KEY}\n${KEY}`, 'must be one line'],
    ['ssh-dss AAAAB3NzaC1kc3MA', 'has a type that is not accepted; accepted are: ssh-ed25519, '],
    ['ssh-ed25519-cert-v01@openssh.com AAAAB3Nz', 'has a type that is not accepted'],
    [`restrict ssh-dss AAAAB3NzaC1kc3MA`, 'has a type that is not accepted'],
    [KEY.slice(0, -8), 'is no whole ssh-ed25519 key'],
    [`command="internal-sftp" ${KEY}`, 'has the option command=, and no commands are run'],
    [`restrict,COMMAND="a b \\" c" ${KEY}`, 'has the option command=, and no commands are run'],
    [`cert-authority ${KEY}`, 'has the option cert-authority=, and certificates are not accepted'],
    [`principals="a" ${KEY}`, 'has the option principals=, and certificates are not accepted'],
    [`environment="A=b" ${KEY}`, 'has the option environment=, and there is no environment'],
    [`tunnel="0" ${KEY}`, 'has the option tunnel=, and there are no tunnels'],
    [`form="192.0.2.1" ${KEY}`, 'has an option that is not known here; known are: from, '],
    [`toString ${KEY}`, 'has an option that is not known here'],
    [`from="192.0.2.1",from="192.0.2.2" ${KEY}`, 'has the option from= more than once'],
    [`from=192.0.2.1 ${KEY}`, 'has options that are not written as name="value"'],
    [`restrict, ${KEY}`, 'has options that are not written as name="value"'],
    [`,restrict ${KEY}`, 'has options that are not written as name="value"'],
    [`restrict,,no-pty ${KEY}`, 'has options that are not written as name="value"'],
    [`from="192.0.2.1 ${KEY}`, 'has a quote in its options that is not closed'],
    [`from ${KEY}`, 'has a from= with something else than addresses'],
    [`from="" ${KEY}`, 'has a from= with something else than addresses'],
    [`from="*.example.com" ${KEY}`, 'has a from= with something else than addresses'],
    [`from="!bad.example,192.0.2.1" ${KEY}`, 'has a from= with something else than addresses'],
    [`from="192.0.2.1," ${KEY}`, 'has a from= with something else than addresses'],
    [`from="192.0.2.0/33" ${KEY}`, 'has a from= with something else than addresses'],
    [`from="192.0.2.0/" ${KEY}`, 'has a from= with something else than addresses'],
    [`from="192.0.2.0/24/8" ${KEY}`, 'has a from= with something else than addresses'],
    [`expiry-time="2030" ${KEY}`, 'has an expiry-time= that is no time'],
    [`expiry-time="20300230" ${KEY}`, 'has an expiry-time= that is no time'],
    [`expiry-time="203001012400" ${KEY}`, 'has an expiry-time= that is no time'],
    [`expiry-time ${KEY}`, 'has an expiry-time= that is no time'],
  ])('is refused, with a reason that shows nothing of the key: %s', (line, reason) => {
    const fault = faultOf(line);
    expect(fault).toContain(reason);
    expect(fault).not.toContain(BLOB.toString('base64').slice(-12));
  });
});

describe('from=', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.70', false],
    ['192.0.2.7', '::ffff:192.0.2.7', true],
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.3.0', false],
    ['192.0.2.0/24', '2001:db8::1', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['2001:db8::/32', '2001:db8:1::7', true],
    ['2001:db8::/32', '2001:db9::7', false],
    ['192.0.2.?', '192.0.2.7', true],
    ['192.0.2.?', '192.0.2.70', false],
    ['192.0.*', '192.0.255.70', true],
    ['192.0.*', '192x0.2.1', false],
    ['2001:DB8:*', '2001:db8:1::7', true],
    ['*', '203.0.113.9', true],
    ['198.51.100.1,192.0.2.0/24', '192.0.2.7', true],
    ['192.0.2.0/24,!192.0.2.7', '192.0.2.7', false],
    ['!192.0.2.7,192.0.2.0/24', '192.0.2.7', false],
    ['!192.0.2.7,192.0.2.0/24', '192.0.2.8', true],
    ['!192.0.2.7', '192.0.2.8', false],
    ['192.0.2.0/24, 198.51.100.1', '198.51.100.1', true],
  ])('"%s" lets %s in: %s', (from, address, expected) => {
    expect(admits(`from="${from}" ${KEY}`, address)).toBe(expected);
  });
});

describe('expiry-time=', () => {
  const isAcceptedAt = (option: string, time: string) => {
    vi.useFakeTimers({ now: new Date(time) });
    return admits(`expiry-time="${option}" ${KEY}`, '192.0.2.1');
  };

  test.each([
    ['20300102Z', '2030-01-01T23:59:59.999Z', '2030-01-02T00:00:00Z'],
    ['203001021530z', '2030-01-02T15:29:59.999Z', '2030-01-02T15:30:00Z'],
    ['20300102153045Z', '2030-01-02T15:30:44.999Z', '2030-01-02T15:30:45Z'],
    // Without Z: in the time zone of the server.
    ['20300102', '2030-01-01T23:59:59.999', '2030-01-02T00:00:00'],
  ])('"%s" ends a key after %s', (option, before, after) => {
    expect([isAcceptedAt(option, before), isAcceptedAt(option, after)]).toEqual([true, false]);
  });

  test('the earliest of several counts', () => {
    vi.useFakeTimers({ now: new Date('2030-06-01T00:00:00Z') });
    const [early, late] = ['expiry-time="20300101Z"', 'expiry-time="20310101Z"'];
    expect(admits(`${early},${late} ${KEY}`, '192.0.2.1')).toBe(false);
    expect(admits(`${late},${early} ${KEY}`, '192.0.2.1')).toBe(false);
    expect(admits(`${late} ${KEY}`, '192.0.2.1')).toBe(true);
  });
});

describe('findAuthorizedKey', () => {
  const anywhere = { clientAddress: '192.0.2.1' };

  test('is the first that lets in: a key may be there on several terms', () => {
    const keys = parseAuthorizedKeys(`from="198.51.100.1" ${KEY} first\n${KEY} second\n${KEY} third`);
    expect(findAuthorizedKey(keys, credentials, anywhere)?.comment).toBe('second');
    expect(findAuthorizedKey(keys, credentials, { clientAddress: '198.51.100.1' })?.comment).toBe('first');
  });

  test('is none for another key', () => {
    const other = { key: { ...credentials.key, blob: Buffer.from(BLOB).fill(1, BLOB.length - 1) } };
    expect(findAuthorizedKey(parseAuthorizedKeys(KEY), other, anywhere)).toBeUndefined();
  });

  test('asks for verification once a key has signed, not while a client asks', () => {
    const keys = parseAuthorizedKeys(`verify-required ${KEY}`);
    const signed = (userVerified: boolean) => ({
      ...credentials,
      securityKey: { userPresent: true, userVerified },
    });
    expect(findAuthorizedKey(keys, credentials, anywhere)).toBeDefined();
    expect(findAuthorizedKey(keys, signed(true), anywhere)).toBeDefined();
    expect(findAuthorizedKey(keys, signed(false), anywhere)).toBeUndefined();
  });
});

describe('parseAuthorizedKeys', () => {
  test('passes over comments and empty lines, whatever ends a line', () => {
    const keys = parseAuthorizedKeys(`# partners\r\n\r\n${KEY} one\r\n   \n  # more\n${KEY} two`);
    expect(keys.map(({ comment }) => comment)).toEqual(['one', 'two']);
    expect(parseAuthorizedKeys('')).toEqual([]);
  });

  test('names every line that is wrong', () => {
    const parse = () => parseAuthorizedKeys(`${KEY}\nssh-dss AAAAB3NzaC1kc3MA\n\ntunnel="0" ${KEY}\n`);
    expect(parse).toThrow(AuthorizedKeysError);
    expect(parse).toThrow(/^line 2 has a type that is not accepted.*; line 4 has the option tunnel=, and/);
  });
});
