/** Does one thing with ssh2-sftp-client: HOST PORT USER FINGERPRINT COMMAND [ARGUMENT...], the password on standard input. */
import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import SftpClient from 'ssh2-sftp-client';

const [host = '', port = '', username = '', fingerprint = '', command = '', from = '', to = ''] =
  process.argv.slice(2);
const client = new SftpClient();
const commands: Readonly<Record<string, () => Promise<unknown>>> = {
  fastPut: () => client.fastPut(from, to),
  fastGet: () => client.fastGet(from, to),
  rename: () => client.rename(from, to),
  delete: () => client.delete(from),
  mkdir: () => client.mkdir(from),
  list: async () => {
    for (const { name } of await client.list(from)) console.log(name);
  },
};

const work = commands[command];
if (work === undefined) throw new Error(`no command ${command}`);
await client.connect({
  host,
  port: Number(port),
  username,
  password: await text(process.stdin),
  hostVerifier: (key: Buffer) => {
    const sum = createHash('sha256').update(key).digest('base64').replace(/=+$/, '');
    return `SHA256:${sum}` === fingerprint;
  },
});
try {
  await work();
} finally {
  await client.end();
}
