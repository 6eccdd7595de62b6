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
