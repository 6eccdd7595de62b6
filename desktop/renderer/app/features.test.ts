import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { operations } from '#shared/contract/index.ts';
import { EVENT_TOPICS, EVENT_TYPES, type EventType } from '#shared/schema/events.ts';
import { readsAfter } from '../api/live-updates.ts';

// the icons' one file loads eight times as fast as their five thousand
registerHooks({
  resolve: (specifier, context, next) =>
    next(
      specifier === '@tabler/icons-react' ? '@tabler/icons-react/dist/cjs/tabler-icons-react.cjs' : specifier,
      context,
    ),
});
const { daemonPages, desktopPages, features, linkPages, sections } = await import('./features.ts');

const RENDERER = path.resolve(import.meta.dirname, '..');
const sources = globSync('**/*.{ts,tsx}', { cwd: RENDERER })
  .filter((file) => !file.endsWith('.test.ts'))
  .map((file) => [file, readFileSync(path.join(RENDERER, file), 'utf8')] as const);
const refreshes = features.flatMap(({ live }) => Object.entries(live?.refreshes ?? {}));

/** Reads that no event announces, and how they stay true. */
const UNANNOUNCED: Readonly<Record<string, string>> = {
  checkAddress: 'asked for by a button',
  getAuthConfig: 'changes with the start of the daemon',
  getConfigBackup: 'never changes',
  getConfigSchema: 'changes with the version of the daemon',
  getLoadHistory: 'read again every five minutes',
  getNodeHistory: 'read again every five minutes',
  listErrors: 'read again every minute',
  search: 'asked as you type',
};

test('every folder of a feature with a record is in the list', () => {
  const folders = globSync('features/*/feature.ts', { cwd: RENDERER });
  assert.equal(folders.length, features.length);
  assert.equal(new Set(features).size, features.length);
});

test('pages have different addresses, sections different names and keys, and each section leads to a page', () => {
  for (const pages of [[...daemonPages, ...linkPages], desktopPages])
    assert.equal(new Set(pages.map(({ path }) => path)).size, pages.length);
  for (const field of ['id', 'label', 'key', 'path'] as const)
    assert.equal(new Set(sections.map((section) => section[field])).size, sections.length, field);
  const paths = daemonPages.map((page) => page.path);
  assert.deepEqual(
    sections.filter((section) => !paths.includes(section.path)),
    [],
  );
});

test('live updates name declared events and reads of the contract', () => {
  const events = new Set<string>([...EVENT_TOPICS, ...Object.keys(EVENT_TYPES)]);
  const named = [...refreshes, ...features.flatMap(({ live }) => Object.entries(live?.patches ?? {}))];
  assert.deepEqual(
    named.map(([event]) => event).filter((event) => !events.has(event)),
    [],
  );
  const wrong = refreshes.flatMap(([, ops]) => ops).filter((op) => op.method !== 'GET' || !operations.includes(op));
  assert.deepEqual(
    wrong.map(({ id }) => id),
    [],
  );
});

test('participants that come and go repeat only the reads that show them', () => {
  const live = features.flatMap((feature) => feature.live ?? []);
  const ids = (type: EventType): string[] => readsAfter(live, EVENT_TYPES[type], type).map(({ id }) => id);
  assert.deepEqual(ids('room.counts').toSorted(), ['getAppStats', 'listStreams']);
  assert.ok(ids('stream.started').includes('getStats'));
});

test('no source names an operation as a string', () => {
  const ids = new Set(operations.map(({ id }) => id));
  const words = sources.flatMap(([file, text]) =>
    [...text.matchAll(/'([a-z]+[A-Z]\w+)'/g)].flatMap(([, word = '']) => (ids.has(word) ? [`${file}: ${word}`] : [])),
  );
  assert.deepEqual(words, []);
});

test('every read of a page is repeated after some event, or says why none is needed', () => {
  const ids = new Set(operations.map(({ id }) => id));
  const read = new Set(
    sources.flatMap(([, text]) =>
      [...text.matchAll(/\b(?:useRead|useReadOf|usePages|readOptions)\(([^()]*)/g)]
        .flatMap(([, args = '']) => args.match(/\w+/g) ?? [])
        .filter((word) => ids.has(word)),
    ),
  );
  assert.ok(read.size > 30, `only ${read.size} reads were found`);
  const announced = new Set(refreshes.flatMap(([, ops]) => ops.map(({ id }) => id)));
  assert.deepEqual(
    [...read].filter((id) => !announced.has(id) && UNANNOUNCED[id] === undefined),
    [],
  );
  assert.deepEqual(
    Object.keys(UNANNOUNCED).filter((id) => announced.has(id) || !read.has(id)),
    [],
  );
});
