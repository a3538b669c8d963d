import { execFileSync } from 'node:child_process';

/** Vitest's global setup: the end-to-end tests run the commands as a user does, built. */
export function setup(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
}
