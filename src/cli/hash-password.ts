import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { hashPassword } from '../auth/passwords.ts';
import { EXIT_MISCONFIGURED } from './faults.ts';

/**
 * `sluice hash-password`: asks for a password twice without showing it, or reads its first line from a pipe, and
 * prints the argon2id hash. Never an argument: those are seen by every user of the machine.
 */
export async function hashPasswordCommand(): Promise<void> {
  const password = process.stdin.isTTY ? await askTwice() : await firstLine();
  if (password === undefined || password === '') {
    process.stderr.write(`sluice: ${password === '' ? 'the password is empty' : 'the passwords differ'}\n`);
    process.exitCode = EXIT_MISCONFIGURED;
    return;
  }
  process.stdout.write(`${await hashPassword(password)}\n`);
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
