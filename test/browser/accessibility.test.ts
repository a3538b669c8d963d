import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { FAILED_UPLOAD, makeScene } from './scene.ts';
import { focused, useSite } from './site.ts';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const site = useSite();

/** Fills the console with a day's work; returns what makes it go on. */
function fill(): (ms: number) => void {
  const { source, advance } = makeScene(6);
  site.source.liveSessions.push(...source.sessions());
  for (const upload of source.uploads()) site.source.put(upload);
  for (const upload of [...source.ended()].reverse()) site.source.activity.uploadEnded(upload);
  for (const job of [...source.jobs()].reverse()) site.source.activity.jobSent(job);
  for (const [id, trace] of source.traces) site.source.traces.set(id, trace);
  return advance;
}

/** What axe finds against WCAG 2.2 AA and good practice, each with where it is. */
async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
  return violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' | ')}`,
  );
}

describe.each(['light', 'dark'] as const)('axe finds nothing to object to, %s', (colorScheme) => {
  test('while the service is idle', async () => {
    expect(await faultsOf(await site.open({ colorScheme }))).toEqual([]);
  });

  test('with uploads in progress, stored and failed', async () => {
    fill();
    const page = await site.open({ colorScheme });
    await page.locator('#uploads progress').nth(5).waitFor();
    expect(await faultsOf(page)).toEqual([]);
  });

  test("in a failed upload's trace, an operation opened", async () => {
    fill();
    const page = await site.open({ colorScheme, hash: `#/uploads/${FAILED_UPLOAD}` });
    await page.locator('tr[data-state="failed"] .span-name').last().click();
    await page.locator('.span-details').waitFor();
    expect(await faultsOf(page)).toEqual([]);
  });

  test('when the connection is lost', async () => {
    fill();
    const page = await site.open({ colorScheme });
    await site.stopServer();
    await page.locator('#notice').waitFor();
    expect(await faultsOf(page)).toEqual([]);
  });
});

test('axe finds nothing to object to on a telephone', async () => {
  fill();
  const page = await site.open({ viewport: { width: 390, height: 800 } });
  await page.locator('#uploads progress').nth(5).waitFor();
  expect(await faultsOf(page)).toEqual([]);
});

describe('the keyboard', () => {
  test('reaches everything in the order of reading, and its place is seen', async () => {
    fill();
    const page = await site.open();
    await page.locator('#uploads progress').first().waitFor();
    const stops: string[] = [];
    for (let n = 0; n < 12; n++) {
      await page.keyboard.press('Tab');
      stops.push(await focused(page));
      const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
      expect(`${stops.at(-1)} ${outline}`).toBe(`${stops.at(-1)} solid`);
    }
    expect(stops.slice(0, 3)).toEqual(['Skip to content', 'Sluice', 'Theme: auto']);
    expect(stops.slice(3, 9).every((stop) => stop.startsWith('/in/'))).toBe(true);
    expect(stops.slice(9, 11)).toEqual(['All 24', 'Failed 2']);
  });

  test('skips to the content', async () => {
    const page = await site.open();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
  });

  test('keeps its place while numbers change around it', async () => {
    const advance = fill();
    const page = await site.open();
    const link = page.locator('#uploads a').nth(3);
    await link.focus();
    const name = await focused(page);
    advance(1000);
    const ending = site.source.uploads()[0]?.id ?? '';
    site.source.end(ending);
    site.source.put({ id: 'new', path: '/new' });
    await page.locator('#uploads').getByRole('link', { name: '/new' }).waitFor();
    expect(await focused(page)).toBe(name);
  });
});

describe('those who listen', () => {
  test('hear of failures and nothing else', async () => {
    site.source.put({ id: 'a', path: '/a', bytes: 1 });
    const page = await site.open();
    site.source.put({ id: 'a', bytes: 1000 });
    await page.locator('#uploads').getByText('1000 B').waitFor();
    site.source.end('a');
    await page.locator('#ended').getByText('Stored').waitFor();
    expect(await page.getByRole('status').textContent()).toBe('');
    site.source.put({ id: 'b', path: '/b' });
    site.source.end('b', 'EIO');
    await page.locator('#ended').getByText('Failed', { exact: true }).waitFor();
    await expect.poll(() => page.getByRole('status').textContent()).toBe('Upload failed: /b');
    expect(await page.locator('[aria-live], [role="status"], [role="alert"], [role="log"]').count()).toBe(1);
  });

  test('are told of many failures in one sentence', async () => {
    const page = await site.open();
    for (const id of ['a', 'b', 'c']) {
      site.source.put({ id });
      site.source.end(id, 'EIO');
    }
    await expect.poll(() => page.getByRole('status').textContent()).toBe('3 uploads failed');
  });

  test('are read a trace as a table with its levels', async () => {
    fill();
    const page = await site.open({ hash: `#/uploads/${FAILED_UPLOAD}` });
    await page.locator('.trace tbody tr').nth(12).waitFor();
    const snapshot = await page.locator('.trace').ariaSnapshot();
    expect(snapshot).toMatch(/^- table "Operations of the trace, parents before their children":/);
    expect(snapshot).toContain('rowheader "Level 1: sluice.upload"');
    expect(snapshot).toContain('rowheader "Level 3: sqs.send"');
    expect(snapshot).toContain('columnheader "Duration"');
    expect(snapshot).toContain('button "Show 6 more of backend.write_chunk"');
  });
});

describe('what somebody prefers', () => {
  test.each(['reduce', 'no-preference'] as const)('motion: %s', async (reducedMotion) => {
    site.source.put({ id: 'u' });
    const page = await site.open({ reducedMotion });
    await page.locator('#uploads progress').waitFor();
    const style = 'getComputedStyle(document.querySelector("#uploads progress"))';
    const animation = await page.evaluate(`${style}.animationName`);
    expect(animation).toBe(reducedMotion === 'reduce' ? 'none' : 'pass');
  });

  test('colours: those of the system, or those that the button says, the next time too', async () => {
    const page = await site.open({ colorScheme: 'dark' });
    const ground = () => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
    const dark = await ground();
    await page.getByRole('button', { name: 'Theme: auto' }).click();
    await page.getByRole('button', { name: 'Theme: light' }).waitFor();
    const light = await ground();
    expect(light).not.toBe(dark);
    await page.reload();
    await page.getByRole('button', { name: 'Theme: light' }).waitFor();
    expect(await ground()).toBe(light);
    await page.getByRole('button', { name: 'Theme: light' }).click();
    expect(await ground()).toBe(dark);
  });
});
