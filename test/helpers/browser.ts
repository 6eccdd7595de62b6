import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import pino from 'pino';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { CloneBuilder, CONSOLE, type Part, SITE } from '#daemon/operations/console/clone-builder.ts';
import { CONSOLE_HEADER } from '#shared/browser-session.ts';
import { CHROMIUM, CHROMIUM_ARGS } from './chromium.ts';
import { ROOT } from './daemon.ts';
import { oneAtATime } from './one-at-a-time.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** For `test(name, { skip: noChromium }, …)`: the reason why the browser tests do not run, or false. */
export const noChromium: string | false =
  CHROMIUM === undefined ? 'no Chromium on this machine (set CHROMIUM to its path)' : false;

const built = new Map<Part, Promise<void>>();

/** A part of this clone, built when it is older than its sources. */
function builtPart(part: Part): Promise<void> {
  const running =
    built.get(part) ??
    (async () => {
      const folder = path.join(ROOT, 'out', part.folder);
      const builder = new CloneBuilder(ROOT, folder, pino({ level: 'error' }), { part, isAwaited: true });
      const free = await oneAtATime(`${folder}.lock`);
      await builder.run().finally(free);
      if (builder.state !== 'idle') throw new Error(`the ${part.name} could not be built: ${builder.state}`);
    })();
  built.set(part, running);
  return running;
}

/** The web console of this clone. */
export const builtConsole = (): Promise<void> => builtPart(CONSOLE);

/** The documentation of this clone as a site. */
export const builtSite = (): Promise<void> => builtPart(SITE);

/** Name under which each browser of the tests reaches this machine: a page of plain HTTP isn't trusted there. */
export const OTHER_HOST = 'streamhub.lan';

/** A real Chromium; it ends with the test. */
export async function browser(t: { after(fn: () => unknown): void }): Promise<Browser> {
  const args = [...CHROMIUM_ARGS, `--host-resolver-rules=MAP ${OTHER_HOST} 127.0.0.1`];
  const instance = await chromium.launch({ executablePath: CHROMIUM ?? '', args });
  t.after(() => instance.close());
  return instance;
}

type Cookies = Awaited<ReturnType<BrowserContext['cookies']>>;

export interface OpenOptions {
  /** Signed in with this token from the start. */
  token?: string;
  /** What the browser kept from another time. */
  cookies?: Cookies;
  path?: string;
  size?: { width: number; height: number };
  scheme?: 'light' | 'dark';
}

/** A page of the web console that a daemon serves. Errors of the page are thrown at the end of the test. */
export async function openConsole(
  t: { after(fn: () => unknown): void },
  instance: Browser,
  url: string,
  { token, cookies, path: place = '/', size = { width: 1280, height: 800 }, scheme = 'light' }: OpenOptions = {},
): Promise<Page & { context(): BrowserContext }> {
  const context = await instance.newContext({ viewport: size, colorScheme: scheme, reducedMotion: 'reduce' });
  // only how long a failing test takes; a busy machine is slow
  context.setDefaultTimeout(40_000);
  const page = await context.newPage();
  const failures: string[] = [];
  page.on('pageerror', (error) => failures.push(error.stack ?? error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && /Content Security Policy|React|Warning:/.test(message.text()))
      failures.push(message.text());
  });
  if (cookies !== undefined) await context.addCookies(cookies);
  if (token !== undefined) await signInBrowser(context, url, token);
  t.after(async () => {
    await context.close();
    if (failures.length > 0) throw new Error(`the page failed:\n${failures.join('\n')}`);
  });
  await page.goto(url + place);
  return page;
}

/** Gives a browser the session cookie of a token, as typing it into the sign-in page would. */
export async function signInBrowser(context: BrowserContext, url: string, token: string, keep = false): Promise<void> {
  const answer = await context.request.post(`${url}/api/v1/auth/browser-session`, {
    headers: { authorization: `Bearer ${token}`, [CONSOLE_HEADER]: '1' },
    data: { keep },
  });
  if (answer.status() !== 201) throw new Error(`sign-in refused: ${answer.status()} ${await answer.text()}`);
}

/** Moves to another page of the console as a link in it would: nothing is loaded again. */
export async function goInside(page: Page, place: string): Promise<void> {
  await page.evaluate((to) => history.pushState({}, '', to), place);
}

/** Runs in a page before its scripts: takes away what lets tabs share a stream, as some browsers of phones do. */
export function noSharedWorker(): void {
  Reflect.deleteProperty(globalThis, 'SharedWorker');
}

/** Does to a page what hiding its tab, or showing it again, does; in a headless browser each tab is shown. */
export async function setHidden(page: Page, isHidden: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, value: hidden });
    document.dispatchEvent(new Event('visibilitychange'));
  }, isHidden);
}

/**
 * Fails with what axe finds wrong on the page as it is now, or in the dialog over it.
 * @param only these rules; all by default
 */
export async function assertAccessible(page: Page, what: string, only?: readonly string[]): Promise<void> {
  // a tooltip of where the pointer happens to be is not a part of the page
  await page.mouse.move(0, 0);
  await page.locator('[role="tooltip"]').waitFor({ state: 'detached' });
  if (await page.evaluate(() => !('axe' in window))) await page.evaluate(AXE);
  const violations = await page.evaluate(async (rules) => {
    const { axe } = window as unknown as { axe: Axe };
    // the text of each element that a rule looks at is the whole page many times over
    axe.configure({ noHtml: true });
    const options = {
      // half the time is spent on reporting what passed, and on reading style sheets for rules about films and rotation
      resultTypes: ['violations'],
      preload: false,
      elementRef: true,
      ...(rules ? { runOnly: rules } : {}),
    };
    // nobody reaches what a modal dialog covers, and to look at it takes most of the time
    const isCovered = document.querySelector('[aria-modal="true"]:not(#root *)') !== null;
    const part = isCovered ? { exclude: ['#root'] } : document;
    return (await axe.run(part, options)).violations.map(({ id, help, nodes }) => ({
      id,
      help,
      nodes: nodes.map(({ element, failureSummary }) => ({
        html: element?.outerHTML.slice(0, 300) ?? '',
        failureSummary: failureSummary ?? '',
      })),
    }));
  }, only);
  const lines = violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes.map((node) => `    ${node.html}\n      ${node.failureSummary}`).join('\n')}`,
  );
  assert.equal(violations.length, 0, `axe on ${what}:\n${lines.join('\n')}`);
}

interface Axe {
  configure(spec: object): void;
  run(context: unknown, options: object): Promise<{ violations: AxeViolation[] }>;
}

interface AxeViolation {
  id: string;
  help: string;
  nodes: { element?: Element; failureSummary?: string }[];
}
