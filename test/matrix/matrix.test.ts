import { randomBytes } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { DIRECTORY_MARKER } from '../../src/backends/s3/keys.ts';
import type { Row } from '../support/markdown-tables.ts';
import { run } from '../support/processes.ts';
import type { Client, Driver } from './client.ts';
import { chooseDrivers, DRIVERS } from './drivers.ts';
import { openSite } from './site.ts';
import { Findings, readRows, withoutVersion, writeRows } from './table.ts';
import { LARGE, Trial } from './trial.ts';

const SIZES = [0, 100, LARGE];
const ODD_NAME = 'Übersicht für März (neu).csv';
const OLDER = Buffer.from('the older file');

const site = await openSite();
afterAll(() => site.close());

/** A client as it was found on this machine. */
interface Found {
  readonly driver: Driver;
  /** Undefined: it is not installed. */
  readonly version: string | undefined;
}

const found = await Promise.all(
  chooseDrivers().map(async (driver): Promise<Found> => {
    const { command, args } = driver.version;
    const print = ({ stdout, stderr }: { stdout: string; stderr: string }) => `${stdout}\n${stderr}`;
    const output = await run(command, args).then(print, () => '');
    return { driver, version: driver.readVersion(output) };
  }),
);

const rows: (() => Row)[] = [];

for (const { driver, version } of found) {
  describe(driver.name, async () => {
    if (version === undefined) {
      test(`${driver.name} is installed`, () => {
        expect.fail(
          `${driver.name} is missing: ${driver.install}; or name the clients to run in SLUICE_TEST_CLIENTS`,
        );
      });
      return;
    }
    const client = await site.client(driver);
    const reason = driver.unavailable?.(await site.run(client.download('/not-there', site.local('nothing'))));
    if (reason !== undefined) {
      test(`${driver.name} was NOT tried: ${reason}`, () => undefined);
      return;
    }
    const findings = new Findings();
    rows.push(() => findings.row(driver, version));
    describeClient(client, new Trial(site, driver, client), findings);
  });
}

function describeClient(client: Client, trial: Trial, findings: Findings): void {
  test.each(SIZES)(
    'an upload of %d bytes arrives',
    findings.of('Upload', async (size: number) => {
      const file = await trial.localFile(size);
      const path = trial.path(`up-${size}`);
      await trial.succeed(client.upload(file.path, path));
      await trial.expectDelivered(path, file);
    }),
  );

  test(
    'an upload takes the place of an older file, under an odd name',
    findings.of('Upload', async () => {
      const file = await trial.localFile(100);
      const path = trial.seed(ODD_NAME, OLDER);
      await trial.succeed(client.upload(file.path, path));
      await trial.expectDelivered(path, file);
    }),
  );

  test(
    'an upload that is cut off leaves nothing, and the older file as it was',
    findings.of('Cut off: nothing is left', async () => {
      const file = await trial.localFile(LARGE);
      const path = trial.seed('cut', OLDER);
      await trial.cutOffUpload(file.path, path);
      expect(trial.stored(path)).toEqual(OLDER);
    }),
  );

  test.each(SIZES)(
    'a download of %d bytes comes back',
    findings.of('Download', async (size: number) => {
      const bytes = randomBytes(size);
      const local = trial.newPath();
      await trial.succeed(client.download(trial.seed(`down ${size} für Sie`, bytes), local));
      await trial.expectSame(local, bytes);
    }),
  );

  const { list, rename, remove, makeFolder, resumeUpload, resumeDownload } = client;

  if (list !== undefined)
    test(
      'a folder of 200 files is listed whole',
      findings.of('List', async () => {
        const names = Array.from({ length: 199 }, (_, index) => `file ${index}`);
        for (const name of [...names, ODD_NAME]) trial.seed(`full/${name}`, OLDER);
        const listing = list(trial.path('full'));
        const listed = listing.names(await trial.succeed(listing));
        const files = listed.filter((name) => !/^\.\.?$/.test(name));
        expect(files.sort()).toEqual([...names, ODD_NAME].sort());
      }),
    );

  if (rename !== undefined)
    test(
      'a renamed file is there under its new name alone',
      findings.of('Rename', async () => {
        const [from, to] = [trial.seed('old name', OLDER), trial.path(`new ${ODD_NAME}`)];
        await trial.succeed(rename(from, to));
        expect(trial.stored(to)).toEqual(OLDER);
        expect(trial.stored(from)).toBeUndefined();
      }),
    );

  if (remove !== undefined && makeFolder !== undefined)
    test(
      'a folder is made, a file is deleted',
      findings.of('Make folder, delete', async () => {
        const folder = trial.path('made für mich');
        await trial.succeed(makeFolder(folder));
        expect(trial.stored(`${folder}/${DIRECTORY_MARKER}`)).toBeDefined();
        const path = trial.seed('superfluous file', OLDER);
        await trial.succeed(remove(path));
        expect(trial.stored(path)).toBeUndefined();
      }),
    );

  if (resumeUpload !== undefined) {
    test(
      'an upload that was cut off is resumed: all of it arrives, or the client is told',
      findings.of('Resume: cut-off upload', () => trial.resumeCutOffUpload(resumeUpload)),
    );

    test(
      'an upload goes on with a shorter file',
      findings.of('Resume: shorter file', () => trial.resumeShorterFile(resumeUpload)),
    );
  }

  if (resumeDownload !== undefined)
    test(
      'a download that was cut off goes on where it ended',
      findings.of('Resume: download', () => trial.resumeDownload(resumeDownload)),
    );

  test('each delivered file has one job, and there is no other', () => trial.expectJobs());
}

describe('docs/clients.md', () => {
  const isWritten = process.env['SLUICE_TEST_CLIENTS_TABLE'] === 'write';

  test(
    isWritten ? 'is given what was found' : 'says what was found (npm run test:clients -- --update)',
    () => {
      const made = rows.map((row) => row());
      const order = DRIVERS.map(({ name }) => name);
      if (isWritten) writeRows(made, order);
      const said = readRows();
      expect(said.map((row) => row['Client'])).toEqual(order);
      const ofMade = said.filter((row) => made.some((one) => one['Client'] === row['Client']));
      expect(ofMade.map(withoutVersion)).toEqual(made.map(withoutVersion));
    },
  );
});
