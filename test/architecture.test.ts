import assert from 'node:assert/strict';
import { globSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const ROOT = path.resolve(import.meta.dirname, '..');
/** Which areas a file of an area may import, besides its own. */
const ALLOWED: Record<string, string[]> = {
  shared: [],
  daemon: ['shared'],
  plugins: ['shared/plugin-sdk'],
  'desktop/main': ['shared'],
  'desktop/preload': ['shared/ipc'],
  'desktop/renderer': ['shared'],
  test: ['shared', 'daemon', 'plugins', 'desktop/main', 'desktop/preload', 'desktop/renderer', 'build'],
  // generators of documents read the tables they document
  build: ['shared', 'daemon'],
};
const NODE_FREE = /^shared\/(?!plugin-sdk\/)/;

/** These keep the rows of one app.db true together, in one transaction, so they share its repositories. */
const MEDIA = /^daemon\/(streams|vods|recording|webhooks|callbacks)\//;
/** Composition roots build repositories and hand them to services. */
const COMPOSITION = /^daemon\/(services|identity|auth\/admin-tool)\.ts$/;

interface Import {
  file: string;
  specifier: string;
}

const sources = Object.keys(ALLOWED)
  .flatMap((area) => globSync(`${area}/**/*.{ts,tsx,mts,mjs}`, { cwd: ROOT }))
  .filter((file) => !file.includes('node_modules'));
const imports: Import[] = sources.flatMap((file) =>
  [
    ...readFileSync(path.join(ROOT, file), 'utf8').matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s+['"]([^'"]+)['"]/g,
    ),
  ].map((match) => ({ file, specifier: (match[1] ?? match[2] ?? match[3]) as string })),
);

const areaOf = (file: string): string | undefined =>
  Object.keys(ALLOWED).find((area) => file === area || file.startsWith(`${area}/`));
const isTest = (file: string): boolean => /\.test\.tsx?$/.test(file);

/** The project file that a specifier means, or undefined for a package or a module of Node's. */
function target({ file, specifier }: Import): string | undefined {
  if (specifier.startsWith('#')) return specifier.slice(1);
  if (specifier === 'streamhub/plugin-sdk' || specifier.startsWith('streamhub/plugin-sdk/'))
    return 'shared/plugin-sdk/index.ts';
  if (specifier.startsWith('.')) return path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier));
  return undefined;
}

test('imports go one way only', () => {
  assert.ok(imports.length > 100, `only ${imports.length} imports found: the pattern no longer matches`);
  const wrong = imports
    .filter(({ file }) => !isTest(file))
    .filter((entry) => {
      const to = target(entry);
      const from = areaOf(entry.file) as string;
      // what a build wrote is no source
      if (to === undefined || areaOf(to) === from || to.startsWith('out/')) return false;
      return !(ALLOWED[from] as string[]).some((allowed) => to.startsWith(`${allowed}/`));
    })
    .map(({ file, specifier }) => `${file} imports ${specifier}`);
  assert.deepEqual(wrong, []);
});

test('shared code runs in a browser', () => {
  const wrong = imports
    .filter(({ file, specifier }) => NODE_FREE.test(file) && !isTest(file) && specifier.startsWith('node:'))
    .map(({ file, specifier }) => `${file} imports ${specifier}`);
  assert.deepEqual(wrong, []);
});

test('a capability reaches another one only through its public face', () => {
  const wrong = imports
    .filter(({ file }) => !isTest(file) && file.startsWith('daemon/') && !COMPOSITION.test(file))
    .filter((entry) => {
      const to = target(entry);
      return (
        to?.endsWith('/repository.ts') &&
        !(MEDIA.test(to) && MEDIA.test(entry.file)) &&
        path.posix.dirname(to) !== path.posix.dirname(entry.file)
      );
    })
    .map(({ file, specifier }) => `${file} imports ${specifier}`);
  assert.deepEqual(wrong, []);
});

test('route files hold no SQL, no file access and no try', () => {
  const wrong = globSync('daemon/**/routes.ts', { cwd: ROOT })
    .map((file) => [file, readFileSync(path.join(ROOT, file), 'utf8')] as const)
    .filter(([, text]) => /node:fs|better-sqlite3|\.prepare\(|\btry\s*\{/.test(text))
    .map(([file]) => file);
  assert.deepEqual(wrong, []);
});

test('files stay small enough to hold in the head', () => {
  const large = sources
    .filter((file) => !isTest(file) && !/schema|samples/.test(file))
    .filter((file) => statSync(path.join(ROOT, file)).size > 0)
    .map((file) => [file, readFileSync(path.join(ROOT, file), 'utf8').split('\n').length] as const)
    .filter(([, lines]) => lines > 450)
    .map(([file, lines]) => `${file}: ${lines} lines`);
  assert.deepEqual(large, []);
});

/** The renderer's layers, from the lowest up: a file imports from its own layer and those below it. */
const RENDERER_LAYERS = ['theme', 'host', 'daemon', 'api', 'ui', 'problems', 'features', 'app'];

test('the layers of the renderer stand on those below them, and its features form no circle', () => {
  const partsOf = (file: string): string[] => file.replace(/^desktop\/renderer\//, '').split('/');
  const arrows = imports.flatMap((entry) => {
    const to = target(entry);
    if (!entry.file.startsWith('desktop/renderer/') || !to?.startsWith('desktop/renderer/') || isTest(entry.file))
      return [];
    return [{ file: entry.file, from: partsOf(entry.file), to: partsOf(to) }];
  });
  assert.ok(arrows.length > 300, `only ${arrows.length} imports found within the renderer`);
  const inFolders = sources.filter((file) => file.startsWith('desktop/renderer/')).map(partsOf);
  const folders = new Set(inFolders.flatMap(([top, ...rest]) => (rest.length > 0 ? [top as string] : [])));
  // `build/` holds the build's own settings
  assert.deepEqual([...folders].filter((folder) => folder !== 'build').toSorted(), RENDERER_LAYERS.toSorted());
  const level = (parts: readonly string[]): number => RENDERER_LAYERS.indexOf(parts[0] as string);
  const upwards = arrows
    .filter(({ from, to }) => from.length > 1 && from[0] !== 'build' && level(to) > level(from))
    .map(({ file, to }) => `${file} imports ${to.join('/')}`);
  assert.deepEqual(upwards, []);

  const used = new Map<string, Set<string>>();
  for (const { from, to } of arrows) {
    const [layer, feature] = from;
    if (layer !== 'features' || to[0] !== 'features' || from.length < 3 || to.length < 3 || to[1] === feature) continue;
    used.set(feature as string, (used.get(feature as string) ?? new Set()).add(to[1] as string));
  }
  const circles: string[] = [];
  const follow = (feature: string, way: readonly string[]): void => {
    if (way.includes(feature)) circles.push([...way, feature].join(' → '));
    else for (const next of used.get(feature) ?? []) follow(next, [...way, feature]);
  };
  for (const feature of used.keys()) follow(feature, []);
  assert.deepEqual(circles, []);
});
