import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startFileStore } from './server.ts';

/** The file store, and Sluice in front of it, with one user: to try the backend by hand. Everything else is as in production. */
const [folder = '.sluice', port = '2222'] = process.argv.slice(2);
const keys = join(folder, 'host-keys');
const users = join(folder, 'users.json');
const command = fileURLToPath(new URL('main.js', import.meta.resolve('sluice')));

async function sluice(args: readonly string[], input: string): Promise<void> {
  const child = spawn(process.execPath, [command, ...args], { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(input);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`sluice ${args[0]} ended with ${code}`);
}

mkdirSync(folder, { recursive: true });
if (!existsSync(keys)) await sluice(['host-key', keys], '');
if (!existsSync(users))
  await sluice(['add-user', 'demo', '--password', '--session', 'space=demo', '--file', users], 'demo\n');

const store = await startFileStore({ token: 'demo-token' });
const server = spawn(process.execPath, [command, 'serve'], {
  stdio: ['ignore', 'inherit', 'inherit'],
  env: {
    ...process.env,
    SLUICE_HOST: '127.0.0.1',
    SLUICE_PORT: port,
    SLUICE_HEALTH_PORT: '0',
    SLUICE_HOST_KEYS_DIR: keys,
    SLUICE_USERS_FILE: users,
    SLUICE_BACKEND: fileURLToPath(new URL('../dist/index.js', import.meta.url)),
    SLUICE_BACKEND_OPTIONS: JSON.stringify({ url: store.url, token: 'demo-token' }),
  },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => server.kill(signal));
console.log(`The store answers at ${store.url}. When Sluice is ready, in another terminal:`);
console.log(`  sftp -P ${port} demo@127.0.0.1   (password: demo)`);
const [code] = await once(server, 'exit');
await store.close();
process.exitCode = code ?? 1;
