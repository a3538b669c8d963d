import { describe, expect, test, vi } from 'vitest';
import { aJob, aSession, MiB, ScriptedSource } from '../support/scripted-source.ts';
import { makeScene } from './scene.ts';
import { cellsOf, useSite } from './site.ts';

const site = useSite();

describe('the overview', () => {
  test('says of an idle service that it is idle', async () => {
    const page = await site.open();
    for (const sentence of [
      'Nothing is being uploaded.',
      'No upload has ended yet.',
      'Nobody is logged in.',
    ]) {
      await page.getByText(sentence).waitFor();
    }
    expect(await page.locator('table:visible').count()).toBe(0);
    expect(await page.locator('#about').innerText()).toMatch(/^sluice 0\.1\.0, s3 backend, up 1 h 2 min$/);
    expect(await page.locator('#connection').innerText()).toBe('Live');
  });

  test('shows an upload from its beginning to its end without being loaded again', async () => {
    const page = await site.open();
    site.source.liveSessions.push(aSession());
    site.source.put({ id: 'u', path: '/in/report.csv', bytes: 10 * MiB, expectedBytes: 100 * MiB });
    const bar = page.getByRole('progressbar', { name: 'Progress of /in/report.csv' });
    await bar.waitFor();
    expect(await bar.getAttribute('value')).toBe('0.1');
    site.source.put({ id: 'u', bytes: 60 * MiB });
    await page.locator('#uploads').getByText('60.0 MiB').waitFor();
    await page
      .locator('#uploads')
      .getByText(/MiB\/s$/)
      .waitFor();
    site.source.put({ id: 'u', isFinishing: true });
    await page.locator('#uploads').getByText('storing').waitFor();
    site.source.end('u');
    site.source.activity.jobSent(aJob({ id: 'u' }));
    await page.locator('#ended').getByText('Stored').waitFor();
    await page.locator('#jobs').getByText('queued').waitFor();
    await page.getByText('Nothing is being uploaded.').waitFor();
    expect((await cellsOf(page, '#ended'))[0]).toEqual([
      'Stored',
      '/in/report.csv',
      'acme',
      '60.0 MiB',
      expect.stringMatching(/ (ms|s)$/),
      expect.stringMatching(/MiB\/s$/),
      'queued',
      expect.stringMatching(/^(just now|\d+ s ago)$/),
    ]);
  });

  test('has no share of an upload whose length nobody has said', async () => {
    site.source.put({ id: 'u', bytes: MiB });
    const page = await site.open();
    await page.locator('#uploads').getByText('receiving').waitFor();
    expect(await page.getByRole('progressbar').getAttribute('value')).toBeNull();
  });

  test('marks what has failed with its reason, and shows nothing else when asked to', async () => {
    for (const id of ['a', 'b', 'c']) {
      site.source.put({ id, path: `/${id}` });
      site.source.end(id, id === 'b' ? 'EACCES' : 'ok');
    }
    const page = await site.open();
    const outcomes = async () =>
      (await cellsOf(page, '#ended')).map(([outcome, file]) => `${outcome} ${file}`);
    expect(await outcomes()).toEqual(['Stored /c', 'Failed /b not allowed', 'Stored /a']);
    await page.getByRole('button', { name: 'Failed 1' }).click();
    expect(await outcomes()).toEqual(['Failed /b not allowed']);
    expect(await page.getByRole('button', { name: 'Failed 1', pressed: true }).count()).toBe(1);
    await page.getByRole('button', { name: 'All 3' }).click();
    expect(await outcomes()).toHaveLength(3);
  });

  test('keeps its times up to date while nothing happens', async () => {
    site.source.put({ id: 'u', path: '/a' });
    site.source.end('u');
    const page = await site.open({ prepare: (opened) => opened.clock.install() });
    await page.locator('#ended time').getByText('just now').waitFor();
    await page.clock.runFor(7000);
    await page
      .locator('#ended time')
      .getByText(/^[5-9] s ago$/)
      .waitFor();
  });

  test('shows 200 of a thousand uploads in progress, and says so', async () => {
    for (let n = 0; n < 1000; n++) site.source.put({ id: `u${n}`, path: `/${n}` });
    const page = await site.open();
    await page.getByText('800 more are not shown.').waitFor();
    expect(await page.locator('#uploads tbody tr').count()).toBe(200);
    expect(await page.locator('#uploads .count').innerText()).toBe('1000');
  });

  test.each([1440, 1024, 390])('fits into a window of %d pixels', async (width) => {
    const { source } = makeScene(20);
    for (const upload of source.uploads()) site.source.put(upload);
    for (const ended of source.ended()) site.source.activity.uploadEnded(ended);
    for (const job of source.jobs()) site.source.activity.jobSent(job);
    site.source.liveSessions.push(...source.sessions());
    const page = await site.open({ viewport: { width, height: 800 } });
    expect(
      await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
    ).toBe(0);
    if (width < 1024) return;
    const cut =
      'Array.from(document.querySelectorAll(".scroll")).filter((e) => e.scrollWidth > e.clientWidth).length';
    expect(await page.evaluate(cut)).toBe(0);
  });
});

describe('what clients have typed', () => {
  const EVIL = '<img src=x onerror=alert(1)>';

  test('is shown as they typed it, and is never HTML', async () => {
    const { connection, ...session } = aSession({ username: EVIL });
    site.source.liveSessions.push({ ...session, connection: { ...connection, clientVersion: EVIL } });
    for (const id of ['live', 'ok', 'bad']) site.source.put({ id, path: `/${EVIL}`, username: EVIL });
    site.source.end('ok');
    site.source.end('bad', EVIL);
    site.source.activity.jobSent(aJob({ id: 'ok', path: `/${EVIL}` }));
    const page = await site.open();
    await vi.waitFor(async () =>
      expect(await page.locator('tbody').getByText(EVIL).count()).toBeGreaterThan(8),
    );
    expect(await page.locator('img').count()).toBe(0);
    await page.locator('#ended a').first().click();
    expect(await page.getByRole('heading', { level: 1, name: `/${EVIL}` }).count()).toBe(1);
    expect(await page.locator('img').count()).toBe(0);
  });

  test('cannot run even if it were HTML', async () => {
    const page = await site.open({ complaints: /Content Security Policy|404/ });
    const refused = page.waitForEvent('console', (message) => /Content Security Policy/.test(message.text()));
    await page.evaluate(`document.body.insertAdjacentHTML('beforeend', '${EVIL}')`);
    expect((await refused).text()).toMatch(/inline/);
  });
});

describe('a connection that is lost', () => {
  test('is told, and taken up again by itself with what has happened since', async () => {
    site.source.put({ id: 'before', path: '/before' });
    const page = await site.open();
    await page.locator('#uploads').getByText('before').waitFor();
    await page.evaluate('window.isSamePage = true');
    await site.stopServer();
    await page.getByText('Connection lost. Trying again … What you see was told').waitFor();
    expect(await page.locator('#connection').innerText()).toBe('Connection lost');
    expect(await page.locator('#announcer').textContent()).toBe('Connection lost. Trying again.');
    expect(await page.locator('#uploads').getByText('before').count()).toBe(1);

    const source = new ScriptedSource();
    source.put({ id: 'after', path: '/after' });
    await site.restartServer(source);
    await page.locator('#uploads').getByText('after').waitFor();
    expect(await page.locator('#uploads').getByText('before').count()).toBe(0);
    expect(await page.locator('#connection').innerText()).toBe('Live');
    expect(await page.locator('#notice').isVisible()).toBe(false);
    expect(await page.evaluate('window.isSamePage')).toBe(true);
  });

  test('is taken up again where the server had no place for another page', async () => {
    let refusals = 0;
    const page = await site.open({
      complaints: /503/,
      prepare: (opened) =>
        opened.route('**/events', (route) => {
          refusals += 1;
          return refusals < 2 ? route.fulfill({ status: 503, body: 'full' }) : route.continue();
        }),
    });
    expect(refusals).toBeGreaterThanOrEqual(2);
    expect(await page.locator('#connection').innerText()).toBe('Live');
  });

  test('that has fallen silent is given up and made anew', async () => {
    const page = await site.open({ prepare: (opened) => opened.clock.install() });
    const again = page.waitForRequest(/\/events$/);
    // The server's signs of life come by its own clock, which has hardly moved.
    await page.clock.fastForward(26_000);
    await again;
    await page.locator('#connection[data-state="live"]').waitFor();
  });
});
