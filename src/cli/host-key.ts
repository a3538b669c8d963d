import { generateHostKeys } from '../ssh/host-keys.ts';
import { EXIT_MISCONFIGURED, explain } from './faults.ts';

/** `sluice host-key [folder]`: new host keys, their fingerprints on stdout. */
export async function hostKeyCommand(folder: string): Promise<void> {
  try {
    const keys = await generateHostKeys(folder);
    for (const { type, fingerprint, source } of keys) {
      process.stdout.write(`${type.padEnd(20)} ${fingerprint}  ${source}\n`);
    }
    process.stdout.write(`\nTo use them: SLUICE_HOST_KEYS_DIR=${folder}\n`);
  } catch (error) {
    explain(error);
    process.exitCode = EXIT_MISCONFIGURED;
  }
}
