import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { type Console, startConsole } from '../../src/console/server.ts';
import { BUILT_PAGE } from '../support/page-folder.ts';
import { ScriptedSource } from '../support/scripted-source.ts';
import { launchBrowser } from './browser.ts';

export interface OpenOptions extends BrowserContextOptions {
  readonly hash?: string;
  /** Before anything is loaded. */
  readonly prepare?: (page: Page) => Promise<unknown>;
  /** What the browser may complain of: of anything else the test fails. */
  readonly complaints?: RegExp;
}

/** A console with a scripted source and a browser to look at it, for each test of a file. */
export interface Site {
  readonly source: ScriptedSource;
  readonly url: string;
  /** Opens the page and waits until it shows something. It must ask nobody else for anything. */
  open(options?: OpenOptions): Promise<Page>;
  stopServer(): Promise<void>;
  /** On the same port as before. */
  restartServer(source: ScriptedSource): Promise<void>;
}

export function useSite(): Site {
  let browser: Browser;
  let source: ScriptedSource;
  let server: Console;
  let complaints: string[];
  /** A server that is away is something to complain of. */
  let isAway: boolean;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    complaints = [];
    isAway = false;
    source = new ScriptedSource();
    server = await startConsole({ host: '127.0.0.1', port: 0, source, pageFolder: BUILT_PAGE });
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    await server.close();
    expect(complaints).toEqual([]);
  });

  return {
    get source() {
      return source;
    },
    get url() {
      return server.url;
    },
    open: async ({ hash = '', prepare, complaints: allowed, ...options } = {}) => {
      const page = await browser.newPage(options);
      page.setDefaultTimeout(10_000);
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('dialog', (dialog) => complaints.push(`dialog: ${dialog.message()}`));
      page.on('console', (message) => {
        const isAllowed = isAway || allowed?.test(message.text());
        if (message.type() === 'error' && !isAllowed) complaints.push(message.text());
      });
      page.on('request', (request) => {
        if (new URL(request.url()).origin !== server.url) complaints.push(`asks for ${request.url()}`);
      });
      await prepare?.(page);
      await page.goto(`${server.url}/${hash}`);
      await page.locator('main:not([aria-busy])').waitFor();
      return page;
    },
    stopServer: async () => {
      isAway = true;
      await server.close();
    },
    restartServer: async (next) => {
      source = next;
      const { port } = server;
      server = await startConsole({ host: '127.0.0.1', port, source, pageFolder: BUILT_PAGE });
    },
  };
}

/** What has the focus, by its name. */
export function focused(page: Page): Promise<string> {
  const name = 'document.activeElement.getAttribute("aria-label") ?? document.activeElement.innerText';
  return page.evaluate<string>(`(${name}).trim().replace(/\\s+/g, " ")`);
}

/** The text of each cell of a table's body; of paths in one piece. */
export async function cellsOf(page: Page, table: string): Promise<string[][]> {
  const rows = await page.locator(`${table} tbody tr`).all();
  return Promise.all(
    rows.map(async (row) =>
      (await row.locator('th, td').allInnerTexts()).map((text) =>
        text.replace(/\s+/g, ' ').replaceAll('/ ', '/').trim(),
      ),
    ),
  );
}
