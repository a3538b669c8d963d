import { Connection } from './connection.ts';
import type { LoginsOrder } from './messages.ts';

/** Logs in, opens the SFTP subsystem and leaves, again and again. Resolves with how long each took to log in, in milliseconds. */
export async function logInAndOut({ account, logins, atOnce }: LoginsOrder): Promise<number[]> {
  const ms: number[] = [];
  let begun = 0;
  const client = async () => {
    while (begun < logins) {
      begun += 1;
      const start = performance.now();
      const connection = await Connection.login(account);
      ms.push(performance.now() - start);
      await connection.leave();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return ms;
}
