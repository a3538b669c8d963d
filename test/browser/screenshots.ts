import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { startConsole } from '../../src/console/server.ts';
import { BUILT_PAGE } from '../support/page-folder.ts';
import { launchBrowser } from './browser.ts';
import { FAILED_UPLOAD, makeScene } from './scene.ts';

const IMAGES = fileURLToPath(new URL('../../docs/images/', import.meta.url));

const SIZE = { width: 1440, height: 900 };

/** How long the scene plays before its picture is taken: rates and their curve need a past. */
const PLAY_MS = 16_000;

interface Picture {
  readonly name: string;
  readonly uploading: number;
  readonly colorScheme?: 'light' | 'dark';
  readonly hash?: string;
  readonly prepare?: (page: Page) => Promise<void>;
}

const PICTURES: readonly Picture[] = [
  { name: 'console-idle', uploading: 0 },
  { name: 'console-uploads', uploading: 20 },
  { name: 'console-dark', uploading: 20, colorScheme: 'dark' },
  {
    name: 'console-failed-trace',
    uploading: 3,
    hash: `#/uploads/${FAILED_UPLOAD}`,
    prepare: async (page) => {
      await page.locator('tr[data-state="failed"] .span-name').last().click();
    },
  },
];

async function take(browser: Browser, picture: Picture): Promise<void> {
  const { name, uploading, colorScheme = 'light', hash = '', prepare } = picture;
  const { source, advance } = makeScene(uploading);
  const site = await startConsole({ host: '127.0.0.1', port: 0, source, pageFolder: BUILT_PAGE });
  const timer = setInterval(() => advance(250), 250);
  const page = await browser.newPage({ viewport: SIZE, deviceScaleFactor: 1.5, colorScheme });
  await page.goto(`${site.url}/${hash}`);
  await page.waitForTimeout(uploading === 0 || hash !== '' ? 2000 : PLAY_MS);
  await prepare?.(page);
  await page.screenshot({ path: `${IMAGES}${name}.png` });
  clearInterval(timer);
  await page.close();
  await site.close();
}

/** `npm run screenshots`: the pictures of docs/console.md. */
const browser = await launchBrowser();
await Promise.all(PICTURES.map((picture) => take(browser, picture)));
await browser.close();
