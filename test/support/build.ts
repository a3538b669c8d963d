import { execFileSync } from 'node:child_process';

/** Vitest's global setup: the end-to-end tests run the commands as a user does, built. */
export function setup(): void {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
    stdio: 'inherit',
  });
}
