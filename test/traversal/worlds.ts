import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ssh2Client } from '../clients/ssh2-client.ts';
import { BUCKET, createSurroundings, type Surroundings, startService } from '../support/service.ts';
import type { RecordedRequest } from '../support/strict-s3/types.ts';
import { USERNAME } from '../support/workspace.ts';
import { type AttackOptions, type AttackResult, attack } from './attack.ts';
import { describeTree, differences, SECRET, SECRET_NAME } from './fence.ts';
import { createCorpus, type Link } from './spellings.ts';

/** One arrangement of tenants in a store, with a service in front of it and a tenant who attacks. */
export interface World {
  readonly name: string;
  /** With how many operations `npm test` tries each spelling. */
  readonly operations: number;
  readonly start: (around: Surroundings) => Promise<Site>;
}

interface Site {
  readonly env: Readonly<Record<string, string>>;
  /** The folder of all tenants; one that is not there where files are objects. */
  readonly root: string;
  /** What the users document says of the attacker, where it is not what it says anyway. */
  readonly attacker?: object;
  /** Makes links in the attacker's root, where there can be any. */
  link?(links: readonly Link[]): Promise<void>;
  /** Remembers what is outside. Called once the attacker's session can begin. */
  guard(): Promise<void>;
  /** What was reached of it since. */
  breaches(): Promise<readonly string[]>;
}

/** Whom the attacker is after, by key or by path below the folder of all. */
const VICTIMS = [
  'tenants/globex/secret.txt',
  'tenants/globex/in/secret.txt',
  'tenants/acme2/secret.txt',
  'tenants/acme.keep',
  'tenants/acme/secret.txt',
  'globex/secret.txt',
  'acme2/secret.txt',
  'secret.txt',
  'etc/passwd',
  '.sluice/outbox/secret.txt',
  '.sluice/staging/x',
];

/** Objects of the service's own have names that no client can ask for: a rename under way, parts of an upload that is rewritten. */
const OWN_KEY = /^\.sluice\/staging\/(rename-[0-9a-f]{64}|features-[0-9a-f-]{36}|[0-9a-f-]{36}\/\d+-\w+)$/;

/** Whether every name of a key is one: stores that keep files as files, and proxies, would walk along the others. */
function isPlain(key: string): boolean {
  return key.split('/').every((name, index, names) => {
    return name !== '.' && name !== '..' && (name !== '' || index === names.length - 1);
  });
}

/** Everything that requests to S3 name has to begin with `below`. */
async function inBucket({ s3, env, workspace }: Surroundings, prefix: string, below: string): Promise<Site> {
  const isOutside = (key: string) => !key.startsWith(below) || key.startsWith('.sluice/');
  for (const key of VICTIMS) if (isOutside(key)) s3.seed(BUCKET, key, SECRET);
  const describeOutside = () =>
    Object.fromEntries(
      [...s3.objects(BUCKET)].flatMap(([key, { etag, lastModified }]) =>
        isOutside(key) ? [[key, `${etag} ${Number(lastModified)}`]] : [],
      ),
    );
  const isBreach = (name: string) => (isOutside(name) && !OWN_KEY.test(name)) || !isPlain(name);
  let before: Record<string, string> = {};
  return {
    env: { ...env, SLUICE_PREFIX: below === '' ? '' : 'session:prefix' },
    root: workspace.path('nowhere'),
    attacker: { session: { prefix } },
    guard: async () => {
      before = describeOutside();
      s3.clearRequests();
    },
    breaches: async () => [
      ...s3.requests.flatMap((request) =>
        namesOf(request)
          .filter((name) => isBreach(name) && !looksAtFolder(request, below))
          .map((name) => `${request.operation} ${JSON.stringify(name.slice(0, 200))}`),
      ),
      ...differences(before, describeOutside()),
      ...s3.openUploads(BUCKET).flatMap(({ key }) => (isBreach(key) ? [`an upload of ${key}`] : [])),
    ],
  };
}

/** Whether a file stands in the place of a virtual folder: what is `/` to the attacker has a name in the store. */
function looksAtFolder({ operation, key }: RecordedRequest, below: string): boolean {
  return operation === 'HeadObject' && `${key}/` === below && below === BOX_KEYS;
}

/** Every key and prefix in a request. Keys in the body of DeleteObjects are seen by what is gone. */
function namesOf({ operation, key, query, headers, bucket }: RecordedRequest): string[] {
  const source = headers['x-amz-copy-source'];
  const names = key === undefined ? [] : [key];
  if (operation === 'ListObjectsV2' || operation === 'ListMultipartUploads')
    names.push(query['prefix'] ?? '');
  if (operation === undefined || bucket !== BUCKET)
    names.push(`.sluice/ (what is this? ${operation} in ${bucket})`);
  if (typeof source === 'string') {
    const [from = '', ...parts] = decodeURIComponent(source).split('/');
    names.push(from === BUCKET ? parts.join('/') : `.sluice/ (another bucket: ${source})`);
  }
  return names;
}

/** A folder with a tree around it that nobody may touch. `top` is what the attacker sees as `/`. */
async function inFolder({ workspace }: Surroundings, top: string): Promise<Omit<Site, 'env'>> {
  const fence = workspace.path('fence');
  const root = join(fence, 'root');
  const own = join(root, top);
  await mkdir(own, { recursive: true });
  const folders = [
    '..',
    '../outside',
    '.',
    'tenants',
    'tenants/globex',
    'tenants/acme2',
    '.sluice',
    '.sluice/uploads',
    '.sluice/outbox',
  ];
  for (const folder of folders) {
    await mkdir(join(root, folder), { recursive: true });
    if (join(root, folder) !== join(own)) await writeFile(join(root, folder, SECRET_NAME), SECRET);
  }
  // Where all of the folder is the attacker's, what is left to guard is what lies around it and what the service keeps.
  const guarded = top === '' ? [join(fence, 'outside'), join(root, '.sluice/outbox')] : [fence];
  const isOurs = (path: string) => path === own || path === join(root, '.sluice/uploads');
  const describe = async () => {
    const parts = await Promise.all(guarded.map((folder) => describeTree(folder, isOurs)));
    const uploads = await readFile(join(root, '.sluice/uploads', SECRET_NAME), 'latin1').catch(() => 'gone');
    return Object.assign({ uploads }, ...parts) as Record<string, string>;
  };
  let before: Record<string, string> = {};
  return {
    root,
    link: async (links) => {
      for (const { name, target } of links) await symlink(target, join(own, name));
    },
    guard: async () => {
      if (top === '')
        for (const folder of ['', 'tenants/globex', 'tenants/acme2', 'tenants'])
          await overwrite(join(root, folder, SECRET_NAME));
      before = await describe();
    },
    breaches: async () => differences(before, await describe()),
  };
}

/** What is the attacker's own is no secret. */
const overwrite = (path: string) => writeFile(path, 'own');

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));

/** The folder backend in a worker thread. */
async function writeWorker({ workspace }: Surroundings, root: string): Promise<string> {
  const module = workspace.path('worker.mjs');
  await writeFile(
    module,
    `import { parentPort } from 'node:worker_threads';
    import { createFolderBackend } from '${DIST}/backends/folder/backend.js';
    import { createPortChannel, serveBackend } from '${DIST}/backends/process/index.js';
    const [root, prefix] = [${JSON.stringify(root)}, 'session:prefix'];
    serveBackend(createPortChannel(parentPort), createFolderBackend({ root, prefix }), { location: { bucket: root, prefix } });`,
  );
  return module;
}

/** A virtual folder that is all the attacker sees. */
const BOX_KEYS = 'tenants/acme/box/';
const BOX = { session: { prefix: 'tenants/acme/' }, folders: [{ path: '/', target: '/box' }] };

/** Another arrangement that has roots is another line here. */
export const WORLDS: readonly World[] = [
  {
    name: 'S3, a tenant beside others',
    operations: 0.6,
    start: (around) => inBucket(around, 'tenants/acme/', 'tenants/acme/'),
  },
  {
    name: 'S3, a prefix without its slash, which another tenant’s begins with',
    operations: 0.3,
    start: (around) => inBucket(around, 'tenants/acme', 'tenants/acme/'),
  },
  {
    name: 'S3, the whole bucket but what the service keeps',
    operations: 0.3,
    start: (around) => inBucket(around, '', ''),
  },
  {
    name: 'S3, a virtual folder',
    operations: 0.3,
    start: async (around) => {
      const site = await inBucket(around, 'tenants/acme/', BOX_KEYS);
      return { ...site, attacker: BOX };
    },
  },
  {
    name: 'a folder, a tenant beside others',
    operations: 1,
    start: async (around) => {
      const site = await inFolder(around, 'tenants/acme');
      return { ...site, env: { ...around.env, SLUICE_BACKEND: 'folder', SLUICE_FOLDER: site.root } };
    },
  },
  {
    name: 'a folder, all of it but what the service keeps',
    operations: 0.5,
    start: async (around) => {
      const site = await inFolder(around, '');
      const { SLUICE_PREFIX: _, ...env } = around.env;
      return { ...site, env: { ...env, SLUICE_BACKEND: 'folder', SLUICE_FOLDER: site.root } };
    },
  },
  {
    name: 'a folder, a virtual folder',
    operations: 0.3,
    start: async (around) => {
      const site = await inFolder(around, 'tenants/acme/box');
      const env = { ...around.env, SLUICE_BACKEND: 'folder', SLUICE_FOLDER: site.root };
      return { ...site, attacker: BOX, env };
    },
  },
  {
    name: 'a folder behind a worker thread',
    operations: 0.5,
    start: async (around) => {
      const site = await inFolder(around, 'tenants/acme');
      const { SLUICE_PREFIX: _, ...env } = around.env;
      return { ...site, env: { ...env, SLUICE_BACKEND: `worker:${await writeWorker(around, site.root)}` } };
    },
  },
];

/** Attacks a world with the whole corpus. */
export async function attackWorld(
  { start }: World,
  options: Pick<AttackOptions, 'operations' | 'seed'>,
): Promise<AttackResult> {
  const around = await createSurroundings({ receivesJobs: false });
  try {
    const site = await start(around);
    const corpus = createCorpus(site);
    await site.link?.(corpus.links);
    if (site.attacker !== undefined) await giveAttacker(around, site.attacker);
    const { SLUICE_QUEUE_URL: _queue, SLUICE_BUCKET: bucket = '', ...env } = site.env;
    const ofBucket = 'SLUICE_BACKEND' in env ? {} : { SLUICE_BUCKET: bucket };
    const service = await startService({
      ...env,
      ...ofBucket,
      SLUICE_STALE_UPLOAD_HOURS: '0',
      SLUICE_LOG_LEVEL: 'info',
    });
    try {
      const client = await Ssh2Client.connect(service.port, around.workspace);
      await site.guard();
      const result = await attack(client, { ...options, spellings: corpus.spellings, username: USERNAME });
      await client.end();
      const faults = service
        .logged('request failed')
        .map((line) => `a fault: ${JSON.stringify(line).slice(0, 600)}`);
      return { ...result, violations: [...result.violations, ...(await site.breaches()), ...faults] };
    } finally {
      await service.stop();
    }
  } finally {
    await around.close();
  }
}

async function giveAttacker({ workspace }: Surroundings, attacker: object): Promise<void> {
  const { users } = JSON.parse(await readFile(workspace.usersFile, 'utf8')) as { users: object[] };
  const changed = users.map((user) => ({ ...user, ...attacker }));
  await writeFile(workspace.usersFile, JSON.stringify({ users: changed }));
}
