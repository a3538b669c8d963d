import { hashPassword } from '../auth/passwords.ts';
import { askPassword } from './ask-password.ts';
import { EXIT_MISCONFIGURED } from './faults.ts';

/** `sluice hash-password`: asks for a password and prints its argon2id hash. */
export async function hashPasswordCommand(): Promise<void> {
  const password = await askPassword();
  if (password === undefined) process.exitCode = EXIT_MISCONFIGURED;
  else process.stdout.write(`${await hashPassword(password)}\n`);
}
