import { describe, expect, test } from 'vitest';
import { ADVERTISED_EXTENSIONS } from '../../../src/sftp/wire/extensions.ts';
import { readRequest } from '../../../src/sftp/wire/read-request.ts';
import type { Request } from '../../../src/sftp/wire/requests.ts';
import { hex, str } from '../../support/sftp-packets.ts';

interface Example {
  readonly name: string;
  /** Its length and its characters, as they stand in the packet. */
  readonly nameField: string;
  readonly section: string;
  readonly body: string;
  readonly request: Request;
}

/** The sections are those of OpenSSH's PROTOCOL, except for the last extension's. */
const EXAMPLES: readonly Example[] = [
  {
    name: 'posix-rename@openssh.com',
    nameField: '00000018 706f7369782d72656e616d65406f70656e7373682e636f6d',
    section: 'section 4.3',
    body: '00000002 2f61  00000002 2f62',
    request: { kind: 'rename', id: 1, from: '/a', to: '/b' },
  },
  {
    name: 'statvfs@openssh.com',
    nameField: '00000013 73746174766673406f70656e7373682e636f6d',
    section: 'section 4.4',
    body: '00000001 2f',
    request: { kind: 'statvfs', id: 1, path: '/' },
  },
  {
    name: 'fsync@openssh.com',
    nameField: '00000011 6673796e63406f70656e7373682e636f6d',
    section: 'section 4.6',
    body: '00000001 30',
    request: { kind: 'fsync', id: 1, handle: '0' },
  },
  {
    name: 'lsetstat@openssh.com',
    nameField: '00000014 6c73657473746174406f70656e7373682e636f6d',
    section: 'section 4.7',
    body: '00000002 2f61  00000004 000001a4',
    request: { kind: 'setstat', id: 1, path: '/a', attributes: { permissions: 0o644 } },
  },
  {
    name: 'limits@openssh.com',
    nameField: '00000012 6c696d697473406f70656e7373682e636f6d',
    section: 'section 4.8',
    body: '',
    request: { kind: 'limits', id: 1 },
  },
  {
    name: 'expand-path@openssh.com',
    nameField: '00000017 657870616e642d70617468406f70656e7373682e636f6d',
    section: 'section 4.9',
    body: '00000003 7e2f61',
    request: { kind: 'expandPath', id: 1, path: '~/a' },
  },
  {
    name: 'home-directory',
    nameField: '0000000e 686f6d652d6469726563746f7279',
    section: 'draft-ietf-secsh-filexfer-extensions-00',
    body: '00000003 626f62',
    request: { kind: 'homeDirectory', id: 1, username: 'bob' },
  },
  {
    name: 'copy-data',
    nameField: '00000009 636f70792d64617461',
    section: 'draft-ietf-secsh-filexfer-extensions-00, section 7',
    body: '00000001 30  0000000000000002  0000000000000003  00000001 31  0000000000000004',
    request: { kind: 'copyData', id: 1, source: '0', sourceOffset: 2, length: 3, handle: '1', offset: 4 },
  },
];

const packetOf = ({ nameField, body }: Example) => hex(`c8  00000001  ${nameField}  ${body}`);

describe('EXTENDED (section 8)', () => {
  test.each(EXAMPLES)('reads $name ($section)', (example) => {
    expect(readRequest([packetOf(example)])).toEqual(example.request);
  });

  test.each(EXAMPLES)('refuses $name cut short at any byte, with its id', (example) => {
    const whole = packetOf(example);
    for (let length = 5; length < whole.length; length++) {
      expect(() => readRequest([whole.subarray(0, length)])).toThrow(
        expect.objectContaining({ name: 'MalformedRequest', id: 1 }),
      );
    }
  });

  test('an extension that is not known is unsupported, whatever follows its name', () => {
    for (const body of ['', '00', 'ffffffff', '00000001 2f']) {
      const packet = Buffer.concat([hex('c8 00000001'), str('x@x.example'), hex(body)]);
      expect(readRequest([packet])).toMatchObject({ kind: 'unsupported', id: 1 });
    }
  });

  test('a name is taken as it is: case and blanks count', () => {
    for (const name of [
      'LIMITS@openssh.com',
      'Limits@openssh.com',
      ' limits@openssh.com',
      'limits@openssh.com ',
    ]) {
      const packet = Buffer.concat([hex('c8 00000001'), str(name)]);
      expect(readRequest([packet])).toMatchObject({ kind: 'unsupported', id: 1 });
    }
  });

  test('what is advertised is what is understood, and nothing else', () => {
    expect(ADVERTISED_EXTENSIONS.map(([name]) => name)).toEqual(EXAMPLES.map(({ name }) => name));
  });

  test('each is advertised in the version that it is spoken in', () => {
    expect(Object.fromEntries(ADVERTISED_EXTENSIONS)).toEqual({
      'posix-rename@openssh.com': '1',
      'statvfs@openssh.com': '2',
      'fsync@openssh.com': '1',
      'lsetstat@openssh.com': '1',
      'limits@openssh.com': '1',
      'expand-path@openssh.com': '1',
      'home-directory': '1',
      'copy-data': '1',
    });
  });
});
