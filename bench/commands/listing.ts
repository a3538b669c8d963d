import type { Command } from 'commander';
import { type ListingReport, listingTable } from '../reports/listing.ts';
import { measureListings } from '../scenarios/listing.ts';
import { rclone } from '../targets/rclone.ts';
import { sluice } from '../targets/sluice.ts';
import { present } from '../targets/target.ts';
import { toCount } from './arguments.ts';
import { type CommonFlags, heading, invoke, publish, say, withCommonOptions } from './invocation.ts';

interface ListingFlags extends CommonFlags {
  readonly entries: number;
  readonly runs: number;
  readonly latency: number;
}

/** Those that serve a bucket. */
const TARGETS = [sluice(), rclone(), rclone({ serverModtime: true })];

export function addListing(program: Command): void {
  const command = program
    .command('listing')
    .description('one folder of many objects, by the OpenSSH client, beside rclone serve sftp')
    .option('--entries <number>', 'objects in the folder', toCount, 100_000)
    .option('--runs <number>', 'of each target with each command', toCount, 3)
    .option('--latency <ms>', 'the store waits this long before each answer', toCount, 0);
  withCommonOptions(command).action(listing);
}

function listing(flags: ListingFlags): Promise<void> {
  return invoke(flags, async (cleanup) => {
    const head = await heading('listing', flags);
    const { entries, runs, latency: latencyMs } = flags;
    const { targets, skipped } = await present(TARGETS);
    for (const { target, reason } of skipped) say(`skipped: ${target}: ${reason}`);
    const series = await measureListings({ entries, runs, targets, latencyMs, say }, cleanup);
    const report: ListingReport = { ...head, entries, latencyMs, series, skipped };
    await publish(flags, report, listingTable(report));
  });
}
