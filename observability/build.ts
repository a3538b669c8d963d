import { writeFileSync } from 'node:fs';
import { outputs } from './outputs.ts';

// `npm run dashboards`
for (const { path, text } of outputs()) {
  writeFileSync(path, text);
  process.stdout.write(`${path}\n`);
}
