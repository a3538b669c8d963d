import { expect, test } from 'vitest';
import { isAcknowledged } from './service/journal.ts';
import { killAgainAndAgain } from './service/kill.ts';
import { killTables } from './service/tables.ts';

// The long run is `npm run test:chaos -- kill`.

test('a server that is killed again and again keeps what it acknowledged', { timeout: 180_000 }, async () => {
  const result = await killAgainAndAgain({
    rounds: 8,
    seed: 20_262,
    connections: 4,
    everyObject: false,
    env: {},
    say: () => undefined,
  });
  expect(result.violations.length, killTables(result)).toBe(0);

  // The test is worth something only if the moments came, and uploads ended in every way.
  const { rounds, observed } = result;
  expect(rounds.filter(({ wasHit }) => wasHit).length).toBe(rounds.length);
  const closed = new Set(observed.uploads.map((upload) => upload.closed));
  expect(closed).toContain('ok');
  expect(closed).toContain('lost');
  expect(observed.uploads.filter(isAcknowledged).length).toBeLessThan(observed.versions.length);
});
