/**
 * Pictures of every screen, light and dark, in two window sizes, over real daemons that keep changing.
 *
 *     npm run screenshots [-- PART…] [--out FOLDER] [--sizes 1280x800,900x600] [--schemes light,dark]
 *
 * PART = a part of a picture's name. The folder is out/screenshots by default. Needs a Chromium; LiveKit and the S3 server
 * of the tests are used where they can be had.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Page } from 'playwright-core';
import { builtConsole, noChromium, signInBrowser } from '#test/helpers/browser.ts';
import { CHROMIUM } from '#test/helpers/chromium.ts';
import { ROOT, type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { builtRenderer, desktopHost, QUICK } from '#test/helpers/desktop-host.ts';
import { managedMachine } from '#test/helpers/managed-livekit.ts';
import { disposeMedia } from '#test/helpers/participant.ts';
import { SHOTS, type Shot } from './shots.ts';
import { type Cleanup, LONG, makeWorld, type World } from './world.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string', default: path.join(ROOT, 'out', 'screenshots') },
    sizes: { type: 'string', default: '1280x800,900x600' },
    schemes: { type: 'string', default: 'light,dark' },
  },
});
if (noChromium) throw new Error(noChromium);
const wanted = SHOTS.filter(({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)));
const sizes = values.sizes.split(',').map((size) => size.split('x').map(Number) as [number, number]);
const schemes = values.schemes.split(',') as ('light' | 'dark')[];
const needs = (...of: NonNullable<Shot['of']>[]): boolean => wanted.some((shot) => of.includes(shot.of ?? 'world'));

const cleanups: (() => unknown)[] = [];
const t: Cleanup = { after: (fn) => cleanups.push(fn) };
const started = Date.now();
const say = (text: string): void => {
  process.stderr.write(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);
};
let failed = 0;
try {
  await builtConsole();
  if (needs('desktop', 'desktop-empty')) await builtRenderer();
  const browser = await chromium.launch({
    executablePath: CHROMIUM ?? '',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  t.after(() => browser.close());
  const hasWorld = needs('world', 'viewer', 'nobody', 'desktop');
  const world = hasWorld ? await makeWorld(t, browser, say) : undefined;
  if (world) say(`the daemons run (LiveKit ${world.parts.livekit}, S3 ${world.parts.s3})`);
  const fresh = needs('fresh') ? await testDaemon(t) : undefined;
  const crowded = needs('crowded') ? await makeCrowd(t) : undefined;
  const managed = needs('managed') ? await makeManaged(t) : undefined;
  const open = async (base: string, token?: string): Promise<{ base: string; page: Page }> => {
    const context = await browser.newContext({ reducedMotion: 'reduce', locale: 'en-GB' });
    context.setDefaultTimeout(15_000);
    if (token !== undefined) await signInBrowser(context, base, token);
    return { base, page: await context.newPage() };
  };
  const windows = new Map<string, Promise<{ base: string; page: Page; ids?: Record<string, string> }>>();
  const windowOf = (of: NonNullable<Shot['of']>) => {
    const made = windows.get(of) ?? makeWindow(of);
    windows.set(of, made);
    return made;
  };
  const makeWindow = async (of: NonNullable<Shot['of']>) => {
    if (of === 'fresh') return open((fresh as TestDaemon).url, (fresh as TestDaemon).token);
    if (of === 'crowded') return open((crowded as TestDaemon).url, (crowded as TestDaemon).token);
    if (of === 'managed') return open((managed as TestDaemon).url, (managed as TestDaemon).token);
    if (of.startsWith('desktop')) return openDesktop(of === 'desktop' ? (world as World) : undefined);
    const { daemon, admin, viewer } = world as World;
    const token = { world: admin.api.token, viewer: viewer.api.token, nobody: undefined }[of as 'world'];
    return open(daemon.url, token ?? undefined);
  };
  const openDesktop = async (many: World | undefined) => {
    const host = await desktopHost(t, { timing: QUICK });
    const ids: Record<string, string> = {};
    const all: Record<string, TestDaemon> = many ? { Paris: many.daemon, ...many.others } : {};
    for (const [name, daemon] of Object.entries(all)) {
      const credential = { kind: 'token', token: daemon.token };
      const outcome = await host.core.dispatch('connections:add', {
        url: daemon.url,
        name,
        credential,
        keep: 'session',
      });
      if (!outcome.ok) throw new Error(`${name} was not added: ${JSON.stringify(outcome)}`);
      ids[name] = (outcome.value as { id: string }).id;
    }
    const window = await open(host.url);
    await window.page.context().addInitScript(host.bridgeScript);
    if (many) {
      await window.page.goto(host.url);
      await window.page.getByText('Connected').nth(3).waitFor();
      await many.others['Archive']?.stop();
    }
    return { ...window, ids };
  };
  await mkdir(values.out, { recursive: true });
  for (const shot of wanted) {
    const { base, page, ids } = (await windowOf(shot.of ?? 'world')) as {
      base: string;
      page: Page;
      ids?: Record<string, string>;
    };
    try {
      for (const [width, height] of sizes) {
        await page.setViewportSize({ width, height });
        await page.emulateMedia({ colorScheme: schemes[0] ?? 'light' });
        await page.goto('about:blank');
        await page.goto(base + shot.path.replace(/:(\w+)/, (_, name: string) => ids?.[name] ?? ''));
        if (shot.sign) await page.getByText(shot.sign).filter({ visible: true }).first().waitFor();
        await shot.prepare?.(page);
        await settled(page);
        for (const scheme of schemes) {
          await page.emulateMedia({ colorScheme: scheme });
          // colours of fields change in steps
          await page.waitForTimeout(250);
          await page.screenshot({ path: path.join(values.out, `${shot.name}-${width}-${scheme}.png`) });
        }
      }
      say(shot.name);
    } catch (error) {
      failed += 1;
      say(`${shot.name}: ${(error as Error).message.split('\n', 2).join(' ')}`);
      await page.screenshot({ path: path.join(values.out, `${shot.name}-FAILED.png`) }).catch(() => undefined);
    }
  }
} finally {
  for (const cleanup of cleanups.reverse())
    await Promise.resolve(cleanup()).catch((error: Error) => say(error.message));
  await disposeMedia();
}
process.exit(failed === 0 ? 0 : 1);

/** Waits until nothing is asked for any more and no placeholder is left. */
async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector('[data-skeleton], .mantine-Skeleton-root') === null);
  await page.evaluate(() => document.fonts.ready);
  // what idles, idles for longer than a chart needs to draw itself
  await page.waitForTimeout(400);
}

async function makeCrowd(cleanup: Cleanup): Promise<TestDaemon> {
  const daemon = await testDaemon(cleanup, { AUTH_RATE_LIMIT_MAX: '100000' });
  for (let n = 1; n <= 1000; n += 1) {
    const displayName = n % 7 === 0 ? `${LONG} (${n})` : `Venue ${n}`;
    await daemon.api.post('/apps', { name: `venue-${String(n).padStart(4, '0')}`, displayName });
  }
  return daemon;
}

/** A daemon that runs LiveKit on its machine. */
async function makeManaged(cleanup: Cleanup): Promise<TestDaemon> {
  const machine = await managedMachine(cleanup);
  if (typeof machine === 'string') throw new Error(machine);
  process.env['PATH'] = machine.env.PATH;
  return testDaemon(cleanup, { PORT: machine.env.PORT, LIVEKIT_MODE: 'managed' }, { dataDir: machine.dataDir });
}
