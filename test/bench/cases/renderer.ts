import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { browser, noChromium } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { builtRenderer, type DesktopHost, desktopHostProcess } from '#test/helpers/desktop-host.ts';
import type { Bench, BenchCase, BenchDaemon, Figure } from '../harness.ts';

const DAEMONS = 20;
const APPS = 1000;
const LINES = 10_000;

/** How a stretch of the page's life went, milliseconds. */
interface Stretch<T> {
  value: T;
  /** Longest time between two frames. It grows with everything else that the machine does. */
  gap: number;
  /** Longest task of the page's main thread, in its own processor time: what it would take on a calm machine. */
  task: number;
  /** All of them together. */
  busy: number;
}

/**
 * The desktop's renderer in Chromium over the real core in a separate process. The daemons are processes too, but for the
 * one that writes the log lines: it lives in this process, so that it can be told to write.
 */
const bench: BenchCase = {
  name: 'renderer',
  async run(context) {
    if (noChromium !== false) throw new Error(noChromium);
    const ends: (() => unknown)[] = [];
    const t = { after: (end: () => unknown) => void ends.push(end) };
    try {
      await builtRenderer();
      const userData = await mkdtemp(path.join(os.tmpdir(), 'streamhub-bench-desktop-'));
      t.after(() => rm(userData, { recursive: true, force: true }));
      const chromium = await browser(t);
      const host = await desktopHostProcess(t, { userData });
      return [
        ...(await overview(context, chromium, host)),
        ...(await manyApps(context, chromium, host)),
        ...(await liveTail(t, chromium, host)),
      ];
    } finally {
      for (const end of ends.reverse()) await end();
    }
  },
};
export default bench;

async function overview(context: Bench, chromium: Browser, host: DesktopHost): Promise<Figure[]> {
  const daemons: BenchDaemon[] = [];
  for (let n = 0; n < DAEMONS; n += 1) daemons.push(await context.daemon());
  const page = await open(chromium, host);
  for (const [n, daemon] of daemons.entries()) await add(page, daemon, `daemon ${n}`);
  const times: { first: number; all: number; busy: number }[] = [];
  for (let round = 0; round < 5; round += 1) {
    const { value, busy } = await traced(chromium, page, async () => {
      await page.reload();
      return (await page.evaluate(
        (wanted) =>
          new Promise((resolve) => {
            // looked at in each frame: when the last row is there, it has been painted one frame later
            const look = (): void => {
              const rows = [...document.querySelectorAll('[role="row"][data-index]')].map(
                (row) => row.textContent ?? '',
              );
              const isDone = rows.length === wanted && rows.every((row) => /Connected.*%/.test(row));
              if (!isDone) requestAnimationFrame(look);
              else
                requestAnimationFrame(() => {
                  const first = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0;
                  resolve({ first, all: performance.now() });
                });
            };
            look();
          }),
        DAEMONS,
      )) as { first: number; all: number };
    });
    times.push({ ...value, busy });
  }
  await page.close();
  for (const daemon of daemons) await daemon.stop();
  return [
    { what: `overview of ${DAEMONS} daemons: first paint`, value: median(times.map(({ first }) => first)), unit: 'ms' },
    {
      what: `overview of ${DAEMONS} daemons: every row connected and with its load`,
      value: median(times.map(({ all }) => all)),
      unit: 'ms',
      target: 2000,
    },
    { what: 'the same: processor time of the page', value: median(times.map(({ busy }) => busy)), unit: 'ms' },
  ];
}

async function manyApps(context: Bench, chromium: Browser, host: DesktopHost): Promise<Figure[]> {
  const daemon = await context.daemon();
  for (let n = 1; n < APPS; n += 1) {
    const made = await daemon.api.post('/apps', { name: `app-${String(n).padStart(4, '0')}` });
    if (made.status !== 201) throw new Error(made.text);
  }
  const page = await open(chromium, host);
  const id = await add(page, daemon, 'a thousand apps');
  await page.goto(`${host.url}/d/${id}`);
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  const shown = await traced(chromium, page, () =>
    page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const begin = performance.now();
          [...document.querySelectorAll('a')].find((link) => link.textContent?.startsWith('Apps'))?.click();
          const look = (): void => {
            if (document.querySelector('[role="grid"][aria-rowcount="1001"] [data-index="0"]') === null)
              requestAnimationFrame(look);
            else requestAnimationFrame(() => resolve(performance.now() - begin));
          };
          look();
        }),
    ),
  );
  const scrolled = await traced(chromium, page, () =>
    page.evaluate(
      () =>
        new Promise<void>((resolve) => {
          const scroller = document.querySelector('[role="grid"]')?.parentElement as HTMLElement;
          const step = (): void => {
            const before = scroller.scrollTop;
            scroller.scrollTop += 400;
            if (scroller.scrollTop === before) resolve();
            else requestAnimationFrame(step);
          };
          step();
        }),
    ),
  );
  const filtered = await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const box = document.querySelector('#page [data-search]') as HTMLInputElement;
        const begin = performance.now();
        Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(box, 'app-0777');
        box.dispatchEvent(new Event('input', { bubbles: true }));
        const look = (): void => {
          if (document.querySelector('[role="grid"][aria-rowcount="2"]') === null) requestAnimationFrame(look);
          else requestAnimationFrame(() => resolve(performance.now() - begin));
        };
        look();
      }),
  );
  await page.close();
  await daemon.stop();
  return [
    { what: `list of ${APPS} apps: from the press to the painted list`, value: shown.value, unit: 'ms', target: 500 },
    { what: 'the same: processor time of the page', value: shown.busy, unit: 'ms' },
    { what: 'scrolled from end to end: longest time between two frames', value: scrolled.gap, unit: 'ms', target: 100 },
    { what: 'the same: longest task, processor time', value: scrolled.task, unit: 'ms', target: 100 },
    { what: 'filtered to one row', value: filtered, unit: 'ms', target: 200 },
  ];
}

async function liveTail(
  t: { after(end: () => unknown): void },
  chromium: Browser,
  host: DesktopHost,
): Promise<Figure[]> {
  const daemon = await testDaemon(t, { LOG_LEVEL: 'info', STREAMHUB_CONSOLE_BUILD: 'off' });
  const log = daemon.services.log.child({ source: 'bench' });
  const page = await open(chromium, host);
  const id = await add(page, { url: daemon.url, token: daemon.token }, 'a busy log');
  const figures: Figure[] = [];
  for (const [how, perTurn] of [
    ['2,000 a second', 100],
    ['all at once', LINES],
  ] as const) {
    await page.goto(`${host.url}/d/${id}/logs?live=yes`);
    await page.getByRole('status').getByText('Live', { exact: true }).waitFor();
    const { value, gap, task } = await traced(chromium, page, async () => {
      const begin = performance.now();
      for (let n = 0; n < LINES; ) {
        for (let turn = 0; turn < perTurn; turn += 1, n += 1) log.info({ step: n }, `purged part ${n} of app live`);
        if (n < LINES) await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await page.getByText(`purged part ${LINES - 1} of app live`).waitFor({ timeout: 60_000 });
      return (performance.now() - begin) / 1000;
    });
    const what = `live tail, ${LINES} lines ${how}`;
    figures.push(
      { what: `${what}: longest time between two frames`, value: gap, unit: 'ms', target: 100 },
      { what: 'the same: longest task, processor time', value: task, unit: 'ms', target: 100 },
      { what: 'the same: from the first written to the last shown', value, unit: 's' },
    );
  }
  await page.close();
  return figures;
}

async function open(chromium: Browser, host: DesktopHost): Promise<Page> {
  const page = await chromium.newPage({ viewport: { width: 1280, height: 1200 }, reducedMotion: 'reduce' });
  await page.addInitScript(host.bridgeScript);
  await page.goto(host.url);
  return page;
}

/** @returns the connection's id */
async function add(page: Page, { url, token }: { url: string; token: string }, name: string): Promise<string> {
  return await page.evaluate(
    async ([url, token, name]) => {
      const { connections } = (window as unknown as { streamhub: import('#shared/ipc/index.ts').DesktopBridge })
        .streamhub;
      const added = await connections.add({ url, name, credential: { kind: 'token', token }, keep: 'session' });
      if (!added.ok) throw new Error(added.error.message);
      return added.value.id;
    },
    [url, token, name] as const,
  );
}

/** Does something and watches the page in the meantime: its frames from inside, its tasks by Chromium's own trace. */
async function traced<T>(chromium: Browser, page: Page, does: () => Promise<T>): Promise<Stretch<T>> {
  await chromium.startTracing(page, { categories: ['toplevel', '__metadata'] });
  const watch = (): void => {
    const frames = { gap: 0 };
    (window as unknown as { frames: object }).frames = frames;
    let last: number | undefined;
    const next = (now: number): void => {
      if (last !== undefined) frames.gap = Math.max(frames.gap, now - last);
      last = now;
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  };
  await page.evaluate(watch);
  const value = await does();
  const gap = await page.evaluate(() => (window as unknown as { frames?: { gap: number } }).frames?.gap ?? 0);
  const { traceEvents } = JSON.parse((await chromium.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const mains = traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain');
  const tasks = traceEvents
    .filter(({ name, pid, tid }) => /RunTask$/.test(name) && mains.some((main) => main.pid === pid && main.tid === tid))
    .map(({ tdur = 0 }) => tdur / 1000);
  return { value, gap, task: Math.max(0, ...tasks), busy: tasks.reduce((sum, ms) => sum + ms, 0) };
}

/** Chromium's trace format; `tdur` is processor time, microseconds. */
interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  tdur?: number;
  args: { name?: string };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
