import { describe, expect, test } from 'vitest';
import { isTransferSecret, readTransferSecret, TransferSecretError } from '../../src/auth/transfer-secret.ts';

const options = { username: 'acme', homeAttribute: 'prefix' };
const read = (secret: Record<string, unknown>) => readTransferSecret(secret, options);
const NOTHING = {
  password: undefined,
  publicKeys: [],
  session: {},
  bucket: undefined,
  folders: undefined,
  home: undefined,
  limits: undefined,
};

function faultsOf(secret: Record<string, unknown>): readonly string[] {
  try {
    read(secret);
  } catch (error) {
    if (error instanceof TransferSecretError) return error.faults;
    throw error;
  }
  return [];
}

describe('which secrets are of Transfer Family', () => {
  test.each(['Password', 'SFTPPassword', 'PublicKey', 'PublicKeys', 'Role', 'HomeDirectory'])(
    '%s',
    (field) => {
      expect(isTransferSecret({ [field]: '' })).toBe(true);
    },
  );

  test('not those in our own format, nor any other', () => {
    const own = { passwordHash: '', publicKeys: [], session: {}, permissions: [] };
    for (const secret of [own, {}, { password: '' }, { role: '' }])
      expect(isTransferSecret(secret)).toBe(false);
  });
});

describe('a whole secret', () => {
  test('of the blueprint with Secrets Manager', () => {
    const secret = {
      Password: 'sesame open',
      Role: 'arn:aws:iam::111122223333:role/transfer',
      HomeDirectoryDetails: '[{"Entry": "/", "Target": "/files/home/acme"}]',
      PublicKey: 'ssh-ed25519 AAAAC3 acme',
      AcceptedIpNetwork: '192.0.2.0/24',
      UserId: 'acme',
    };
    expect(read(secret)).toEqual({
      password: 'sesame open',
      publicKeys: ['ssh-ed25519 AAAAC3 acme'],
      session: { prefix: 'home/acme/' },
      bucket: 'files',
      folders: undefined,
      home: undefined,
      limits: { addresses: ['192.0.2.0/24'] },
    });
  });

  test('of the toolkit', () => {
    const PublicKeys = ['ssh-ed25519 AAAAC3 one', 'ssh-rsa AAAAB3 two'];
    expect(read({ Password: 'x', PublicKeys })).toEqual({
      ...NOTHING,
      password: 'x',
      publicKeys: PublicKeys,
    });
  });

  test('with SFTP in front of some: these count more, and empty ones are not there', () => {
    const secret = {
      SFTPPassword: 'sftp',
      Password: 'all',
      FTPPassword: 'ftp',
      SFTPHomeDirectory: '',
      HomeDirectory: '/b-1/a',
    };
    expect(read(secret)).toMatchObject({ password: 'sftp', session: { prefix: 'a/' } });
    expect(
      read({ Password: '', PublicKey: '', AcceptedIpNetwork: '', Policy: '', HomeDirectory: '' }),
    ).toEqual(NOTHING);
  });
});

describe('public keys', () => {
  const [one, two] = ['ssh-ed25519 AAAAC3Nz+/= one, of acme', 'sk-ssh-ed25519@openssh.com AAAAGnNr two'];

  test.each([
    ['one', one, [one]],
    ['several with commas', `${one},${two}, ${one}`, [one, two, one]],
    ['several in lines', `\n${one}\r\n${two}\n`, [one, two]],
    ['one with options', `restrict,from="192.0.2.1" ${one}`, [`restrict,from="192.0.2.1" ${one}`]],
    ['a list', [one, two], [one, two]],
    ['a list in JSON', JSON.stringify([one, `from="::1" ${two}`]), [one, `from="::1" ${two}`]],
    ['a list as Python writes it', `['${one}', "${two}"]`, [one, two]],
    ['an empty list', '[]', []],
  ])('%s', (_, PublicKeys, expected) => {
    expect(read({ PublicKeys }).publicKeys).toEqual(expected);
    expect(read({ PublicKey: PublicKeys }).publicKeys).toEqual(expected);
  });

  test.each([[5], [{}], [[one, 5]]])('%j are none', (PublicKeys) => {
    expect(faultsOf({ PublicKeys })).toEqual([
      'PublicKeys: must be a list of public keys, or a text of them',
    ]);
  });
});

describe('homes', () => {
  const details = (...mappings: object[]) => ({ HomeDirectoryDetails: JSON.stringify(mappings) });

  test('are folders, each in its place', () => {
    const secret = details(
      { Entry: '/', Target: '/files/acme' },
      { Entry: '/in/', Target: '/files/shared/in/' },
      { Entry: '/out', Target: '/other-files/out/acme', Type: 'DIRECTORY' },
    );
    expect(read(secret)).toMatchObject({
      session: { prefix: 'acme/' },
      bucket: 'files',
      folders: [
        { path: '/', bucket: 'files', session: { prefix: 'acme/' } },
        { path: '/in', bucket: 'files', session: { prefix: 'shared/in/' } },
        { path: '/out', bucket: 'other-files', session: { prefix: 'out/acme/' } },
      ],
    });
  });

  test('may be without a root', () => {
    expect(read(details({ Entry: '/in', Target: '/files/in' }))).toMatchObject({
      session: {},
      bucket: undefined,
      folders: [{ path: '/in', bucket: 'files', session: { prefix: 'in/' } }],
    });
  });

  test('begin where HomeDirectory says, if that lies in one', () => {
    const mappings = details({ Entry: '/in', Target: '/files/in' });
    expect(read({ ...mappings, HomeDirectory: '/in/daily/' }).home).toBe('/in/daily');
    expect(read({ ...mappings, HomeDirectory: '/in' }).home).toBe('/in');
    expect(read({ ...mappings, HomeDirectory: '/files/acme' }).home).toBeUndefined();
    expect(read({ ...mappings, HomeDirectory: '/inner' }).home).toBeUndefined();
    expect(read(mappings).home).toBeUndefined();
  });

  test('may be a list as it is, name the user, and have another attribute', () => {
    const HomeDirectoryDetails = [{ Entry: '/', Target: `/files/${'$'}{transfer:UserName}/x` }];
    expect(
      readTransferSecret({ HomeDirectoryDetails }, { username: 'acme', homeAttribute: 'home' }),
    ).toMatchObject({
      session: { home: 'acme/x/' },
    });
  });

  test.each([
    [{ HomeDirectory: '/files/home/acme/' }, 'home/acme/'],
    [{ HomeDirectory: '/files/a', HomeDirectoryDetails: '' }, 'a/'],
    [{ HomeDirectory: '/files/a', ...details({ Entry: '/', Target: '/files/b' }) }, 'b/'],
    [
      {
        HomeDirectory: '/files/a',
        HomeDirectoryType: 'PATH',
        ...details({ Entry: '/', Target: '/files/b' }),
      },
      'a/',
    ],
  ])('%j is one folder', (secret, prefix) => {
    expect(read(secret)).toMatchObject({ session: { prefix }, bucket: 'files', folders: undefined });
  });

  test.each([
    '/files',
    '/files/',
    '/files//',
    '/',
    'files/acme',
    '/fs-0123456789abcdef/acme',
    '/Files/acme',
    '/files/a/../b',
    '/files/a//b',
    '/files/./a',
  ])('%s is none', (target) => {
    const fault =
      'must lead to a folder in a bucket (/bucket/prefix), not to a whole bucket or another store';
    expect(faultsOf({ HomeDirectory: target })).toEqual([`HomeDirectory: ${fault}`]);
    expect(faultsOf(details({ Entry: '/', Target: target }))).toEqual([`HomeDirectoryDetails: ${fault}`]);
  });

  test.each(['{', '[]', '{}', '[5]', '[{"Entry":"/"}]', '[{"Entry":"in","Target":"/files/a"}]', 5])(
    '%s are none',
    (value) => {
      expect(faultsOf({ HomeDirectoryDetails: value })).toEqual([
        'HomeDirectoryDetails: must be a list of folders: [{"Entry": "/in", "Target": "/bucket/prefix"}]',
      ]);
    },
  );

  test('are refused twice under one name, and as files', () => {
    const [a, b] = [
      { Entry: '/in', Target: '/files/a' },
      { Entry: '/in/', Target: '/files/b' },
    ];
    expect(faultsOf(details(a, b))).toEqual(['HomeDirectoryDetails: has an Entry more than once']);
    expect(faultsOf(details({ ...a, Type: 'FILE' }))).toEqual([
      'HomeDirectoryDetails: has a Target that is a FILE; name its folder',
    ]);
  });

  test('need a prefix of the session: nobody is let into what all share', () => {
    const readShared = () =>
      readTransferSecret({ HomeDirectory: '/files/a' }, { username: 'a', homeAttribute: undefined });
    expect(readShared).toThrow('HomeDirectory: needs SLUICE_PREFIX=session:prefix');
  });
});

describe('addresses', () => {
  test.each([
    ['192.0.2.0/24', ['192.0.2.0/24']],
    ['192.0.2.0/24, 2001:db8::/32,198.51.100.7', ['192.0.2.0/24', '2001:db8::/32', '198.51.100.7']],
  ])('%s', (AcceptedIpNetwork, addresses) => {
    expect(read({ AcceptedIpNetwork }).limits).toEqual({ addresses });
    expect(read({ AcceptedIPNetwork: AcceptedIpNetwork }).limits).toEqual({ addresses });
  });

  test.each(['anywhere', '192.0.2.0/33', '192.0.2.*', '!192.0.2.1', '192.0.2.1,', '*'])(
    '"%s" are none',
    (value) => {
      expect(faultsOf({ AcceptedIpNetwork: value })).toEqual([
        'AcceptedIpNetwork: must be subnets, with commas in between: 192.0.2.0/24',
      ]);
    },
  );
});

test('a policy is not passed over, unless permissions stand in its place', () => {
  expect(faultsOf({ Policy: '{}' })).toEqual([
    'Policy: is not applied here: say what the user may do by "permissions"',
  ]);
  expect(faultsOf({ Policy: '{}', permissions: ['list'] })).toEqual([]);
});

test('all faults come at once, and show no value', () => {
  const secret = {
    Password: 5,
    PublicKeys: 5,
    HomeDirectory: 'sesame',
    AcceptedIpNetwork: 'sesame',
    Policy: 'sesame',
  };
  const faults = faultsOf(secret);
  expect(faults.map((fault) => fault.split(':')[0])).toEqual([
    'HomeDirectory',
    'Password',
    'PublicKeys',
    'AcceptedIpNetwork',
    'Policy',
  ]);
  expect(faults.join()).not.toContain('sesame');
});
