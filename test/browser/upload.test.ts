import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { RecordedSpan } from '../../src/contract/activity.ts';
import { aJob, aSpan, MiB } from '../support/scripted-source.ts';
import { cellsOf, focused, useSite } from './site.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const START = Date.now() - 10_000;

const site = useSite();

function span(
  spanId: string,
  from: number,
  to: number | undefined,
  more: Partial<RecordedSpan> = {},
): RecordedSpan {
  return aSpan({ spanId, startMs: START + from, endMs: to === undefined ? undefined : START + to, ...more });
}

const root = (to: number | undefined, more: Partial<RecordedSpan> = {}) =>
  span('root', 0, to, { name: 'sluice.upload', kind: 'server', parentSpanId: undefined, ...more });

/** An upload that has ended, with this trace. */
function end(spans: readonly RecordedSpan[], result = 'ok', leftOut = 0): void {
  site.source.put({ id: 'u', path: '/in/report.csv', bytes: 3 * MiB, traceId: TRACE_ID });
  site.source.end('u', result);
  site.source.traces.set(TRACE_ID, { spans, leftOut });
}

const operations = async (page: Page) => (await cellsOf(page, '.trace')).map(([name]) => name);

describe('an upload', () => {
  test('is opened by its link, tells what is known of it, and leads back to where one was', async () => {
    end([
      root(100),
      span('w', 10, 90, { attributes: { 'sluice.bytes': 3 * MiB, 'sluice.write.count': 96 } }),
    ]);
    site.source.activity.jobSent(aJob({ id: 'u', place: 'outbox' }));
    const page = await site.open();
    await page.locator('#ended').getByRole('link', { name: '/in/report.csv' }).press('Enter');
    const heading = page.getByRole('heading', { level: 1, name: '/in/report.csv' });
    await heading.waitFor();
    expect(await focused(page)).toBe('/in/report.csv');
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
    const facts = (await page.locator('.facts').innerText()).replace(/\s+/g, ' ');
    expect(facts).toMatch(
      /^User acme From 192\.0\.2\.7 Size 3\.0 MiB Took .* Key tenants\/acme\/in\/report\.csv Upload id u$/,
    );
    expect(await page.locator('.jobs').innerText()).toMatch(/^Delivery: in the outbox /);
    await page.locator('.trace tbody tr').nth(1).waitFor();
    expect(await cellsOf(page, '.trace')).toEqual([
      ['Level 1: sluice.upload', '+0.0 ms', '100 ms', '', ''],
      ['Level 2: backend.write_chunk', '+10 ms', '80 ms', '', '3.0 MiB · 96 writes'],
    ]);
    const bar = page.locator('.bar').nth(1);
    expect(await bar.getAttribute('style')).toBe('left: 10%; width: 80%;');

    await page.goBack();
    const link = page.locator('#ended').getByRole('link', { name: '/in/report.csv' });
    await link.waitFor();
    expect(await page.evaluate('document.activeElement.getAttribute("href")')).toBe('#/uploads/u');
  });

  test('can be opened by its address', async () => {
    end([root(100)]);
    const page = await site.open({ hash: '#/uploads/u' });
    await page.getByRole('heading', { level: 1, name: '/in/report.csv' }).waitFor();
    await page.getByRole('link', { name: '← All uploads' }).click();
    await page.getByRole('heading', { name: 'Finished uploads' }).waitFor();
  });

  test('that nobody remembers is said to be forgotten', async () => {
    const page = await site.open({ hash: '#/uploads/who' });
    await page.getByRole('heading', { level: 1, name: 'This upload is not kept any more' }).waitFor();
  });

  test('that failed says why, and which operation it was', async () => {
    end(
      [
        root(100, { error: 'S3 said no', attributes: { 'sluice.result': 'EACCES' } }),
        span('f', 50, 90, { name: 'backend.finish_write', error: 'S3 said no' }),
        span('s', 60, 80, { name: 'S3.PutObject', parentSpanId: 'f', kind: 'client', error: 'AccessDenied' }),
      ],
      'EACCES',
    );
    const page = await site.open({ hash: '#/uploads/u' });
    await page.getByText('EACCES: not allowed. In S3.PutObject: AccessDenied.').waitFor();
    expect(await page.locator('.trace tr[data-state="failed"]').count()).toBe(3);
    expect((await cellsOf(page, '.trace'))[2]).toEqual([
      'Level 3: S3.PutObject',
      '+60 ms',
      '20 ms',
      '',
      '✕ failed: AccessDenied',
    ]);
  });

  test('without a trace says so', async () => {
    site.source.put({ id: 'u' });
    site.source.end('u');
    const page = await site.open({ hash: '#/uploads/u' });
    await page.getByText('No trace was recorded: traces are switched off, or sampled.').waitFor();
  });

  test('whose trace is not kept says so', async () => {
    site.source.put({ id: 'u', traceId: TRACE_ID });
    site.source.end('u');
    const page = await site.open({ hash: '#/uploads/u', complaints: /404/ });
    await page.getByText('The trace was not recorded, or is not kept any more.').waitFor();
  });
});

describe('a trace', () => {
  test('is fetched again while its upload goes on, and when it has ended', async () => {
    site.source.put({ id: 'u', path: '/a', traceId: TRACE_ID });
    site.source.traces.set(TRACE_ID, { spans: [root(undefined)], leftOut: 0 });
    const page = await site.open({ hash: '#/uploads/u' });
    await page.locator('tr[data-state="running"]').waitFor();
    expect((await cellsOf(page, '.trace'))[0]?.[2]).toBe('running');
    site.source.traces.set(TRACE_ID, { spans: [root(undefined), span('w', 1, 2)], leftOut: 0 });
    await page.getByRole('button', { name: 'backend.write_chunk' }).waitFor();
    site.source.traces.set(TRACE_ID, { spans: [root(100), span('w', 1, 2)], leftOut: 0 });
    site.source.end('u');
    await page.locator('tr[data-state="root"]').waitFor();
    expect((await cellsOf(page, '.trace'))[0]?.[2]).toBe('100 ms');
  });

  test('shows all that is known of an operation to those who ask by keyboard, and keeps it open', async () => {
    const event = { name: 'exception', atMs: START + 30, attributes: { 'exception.message': '<b>no</b>' } };
    const links = [{ traceId: 'f'.repeat(32), spanId: 'e'.repeat(16) }];
    end([root(100), span('w', 10, 90, { attributes: { 'sluice.path': '/in/<i>' }, events: [event], links })]);
    const page = await site.open({ hash: '#/uploads/u' });
    const button = page.getByRole('button', { name: 'backend.write_chunk' });
    await button.focus();
    await page.keyboard.press('Enter');
    expect(await button.getAttribute('aria-expanded')).toBe('true');
    const details = page.locator(`[id="${await button.getAttribute('aria-controls')}"]`);
    const text = (await details.innerText()).replace(/\s+/g, ' ');
    expect(text).toContain('kind internal span id w sluice.path /in/<i>');
    expect(text).toContain('exception, after 20 ms exception.message <b>no</b>');
    expect(text).toContain(`trace ${'f'.repeat(32)}, span ${'e'.repeat(16)}`);
    site.source.activity.jobSent(aJob({ id: 'u' }));
    await page.getByText('Delivery:').waitFor();
    expect(await focused(page)).toBe('backend.write_chunk');
    await page.keyboard.press('Enter');
    expect(await button.getAttribute('aria-expanded')).toBe('false');
    expect(await details.count()).toBe(0);
  });

  test('of a long upload is folded, unfolds, and says what was not kept', async () => {
    const parts = Array.from({ length: 40 }, (_, n) => span(`p${n}`, n, n + 1));
    end([root(100), ...parts], 'ok', 2952);
    const page = await site.open({ hash: '#/uploads/u' });
    await page.getByText('2952 more operations in the middle of this trace were not kept.').waitFor();
    expect(await operations(page)).toHaveLength(8);
    await page.getByRole('button', { name: 'Show 34 more of backend.write_chunk' }).click();
    expect(await operations(page)).toHaveLength(41);
  });
});
