import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';

// What `docker compose up` needs before the service can start: host keys, a user and the bucket. Run in the service's
// image, in /app; what is there already is left alone.

const FOLDER = process.env['SETUP_FOLDER'] ?? '/var/lib/sluice';
const BUCKET = process.env['SLUICE_BUCKET'] ?? '';
const DEMO = { username: 'demo', password: 'demo', session: { prefix: 'tenants/demo/' } };

/** Runs a command of the service; resolves with what it printed. */
async function sluice(args: readonly string[], input = ''): Promise<string> {
  const child = spawn(process.execPath, ['dist/main.js', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(input);
  const printed = text(child.stdout);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`sluice ${args.join(' ')}: exit code ${code}`);
  return printed;
}

async function makeHostKeys(folder: string): Promise<void> {
  if (existsSync(folder)) return;
  process.stdout.write(await sluice(['host-key', folder]));
}

async function makeDemoUser(file: string): Promise<void> {
  if (existsSync(file)) return;
  const { username, password, session } = DEMO;
  const passwordHash = (await sluice(['hash-password'], `${password}\n`)).trim();
  const document = { users: [{ username, passwordHash, session }] };
  await writeFile(file, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600 });
  process.stdout.write(`user ${username}, password ${password}\n`);
}

/** S3 may still be starting: asks for a minute. */
async function makeBucket(bucket: string): Promise<void> {
  const s3 = new S3Client({ forcePathStyle: true, maxAttempts: 1 });
  for (let attempt = 1; ; attempt += 1) {
    try {
      await s3.send(new CreateBucketCommand({ Bucket: bucket }));
      process.stdout.write(`bucket ${bucket}\n`);
      return;
    } catch (error) {
      const { name } = error as Error;
      if (name === 'BucketAlreadyOwnedByYou' || name === 'BucketAlreadyExists') return;
      if (attempt === 60) throw error;
      await delay(1000);
    }
  }
}

await makeHostKeys(`${FOLDER}/host-keys`);
await makeDemoUser(`${FOLDER}/users.json`);
await makeBucket(BUCKET);
