import { createRequire } from 'node:module';

/**
 * Whether ssh2's native crypto addon is loaded. It is built at install time and, where that fails, silently
 * replaced by JavaScript that takes two to four times the CPU time per byte.
 */
export function hasNativeCrypto(): boolean {
  const require = createRequire(import.meta.url);
  const { bindingAvailable } = require('ssh2/lib/protocol/crypto.js') as { bindingAvailable?: boolean };
  return bindingAvailable === true;
}
