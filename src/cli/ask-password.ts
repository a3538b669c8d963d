import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/**
 * Asks for a password twice without showing it, or reads its first line from a pipe. Never an argument: those are seen by every user of
 * the machine. Undefined, with what is wrong on stderr, when there is none to go on with.
 */
export async function askPassword(): Promise<string | undefined> {
  const password = process.stdin.isTTY ? await askTwice() : await firstLine();
  if (password !== undefined && password !== '') return password;
  process.stderr.write(`sluice: ${password === '' ? 'the password is empty' : 'the passwords differ'}\n`);
  return undefined;
}

async function askTwice(): Promise<string | undefined> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const prompt = createInterface({ input: process.stdin, output: silent, terminal: true });
  const ask = (question: string) =>
    new Promise<string>((resolve) => {
      process.stderr.write(question);
      prompt.question('', (answer) => {
        process.stderr.write('\n');
        resolve(answer);
      });
    });
  prompt.on('SIGINT', () => process.exit(130));
  const password = await ask('Password: ');
  const again = await ask('Once more: ');
  prompt.close();
  return password === again ? password : undefined;
}

async function firstLine(): Promise<string> {
  for await (const line of createInterface({ input: process.stdin })) return line;
  return '';
}
