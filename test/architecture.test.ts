import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const ROOT = path.resolve(import.meta.dirname, '..');
/** Which areas a file of an area may import, besides its own. */
const ALLOWED: Record<string, string[]> = {
  shared: [],
  daemon: ['shared'],
  plugins: ['shared/plugin-sdk', 'shared/files'],
  'desktop/main': ['shared'],
  'desktop/preload': ['shared/ipc'],
  'desktop/renderer': ['shared'],
  test: ['shared', 'daemon', 'plugins', 'desktop/main', 'desktop/preload', 'desktop/renderer', 'build'],
  // generators of documents read the tables they document
  build: ['shared', 'daemon', 'desktop/renderer/build'],
};
/** The wings of the daemon, from the top down: a wing may import those below it, none beside or above it. */
const WINGS = [
  ['cli'],
  ['start'],
  ['operations'],
  ['media'],
  ['apps'],
  ['plugins', 'cluster', 'identity'],
  ['platform'],
];
/** The agent is a separate program, and it shares these files with the daemon. The daemon supervises its own LiveKit with the agent's code. */
const EDGE = {
  wing: 'edge',
  usedBy: ['cli', 'operations'],
  mayUse: [
    'daemon/operations/gpu/tasks/gpu-probe.ts',
    'daemon/platform/background.ts',
    'daemon/platform/livekit-keys.ts',
    'daemon/platform/log-context.ts',
    'daemon/platform/clock.ts',
    'daemon/platform/log.ts',
    'daemon/platform/host-capacity.ts',
    'daemon/platform/net/network-failures.ts',
    'daemon/platform/net/proxy.ts',
    'daemon/platform/net/trust.ts',
  ],
};
const EXPORTS = (
  JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { exports: Record<string, string> }
).exports;
/** Parts of `shared/` that use Node.js; nothing that reaches a browser imports them. */
const NODE_ONLY = /^shared\/(?:plugin-sdk|files|keychain)\//;

interface Import {
  file: string;
  specifier: string;
}

const sources = Object.keys(ALLOWED)
  .flatMap((area) => globSync(`${area}/**/*.{ts,tsx,mts,mjs}`, { cwd: ROOT }))
  .filter((file) => !file.includes('node_modules'));

/** Specifiers of every kind of import: static, type-only, re-export, side effect, `import()` of a value or a type. */
const specifiersIn = (text: string): string[] =>
  [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s+['"]([^'"]+)['"]/g,
    ),
  ].map((match) => (match[1] ?? match[2] ?? match[3]) as string);

const imports: Import[] = sources.flatMap((file) =>
  specifiersIn(readFileSync(path.join(ROOT, file), 'utf8')).map((specifier) => ({ file, specifier })),
);

const areaOf = (file: string): string | undefined =>
  Object.keys(ALLOWED).find((area) => file === area || file.startsWith(`${area}/`));
const isTest = (file: string): boolean => /\.test\.tsx?$/.test(file);

/** The project file that a specifier means, or undefined for a package or a module of Node's. */
function target({ file, specifier }: Import): string | undefined {
  if (specifier.startsWith('#')) return specifier.slice(1);
  if (specifier === 'streamhub' || specifier.startsWith('streamhub/')) {
    const exported = EXPORTS[specifier.replace(/^streamhub/, '.')];
    return exported === undefined ? undefined : path.posix.normalize(exported);
  }
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
      // what a build wrote is not a source
      if (to === undefined || areaOf(to) === from || to.startsWith('out/')) return false;
      return !(ALLOWED[from] as string[]).some((allowed) => to.startsWith(`${allowed}/`));
    })
    .map(({ file, specifier }) => `${file} imports ${specifier}`);
  assert.deepEqual(wrong, []);
});

test('every kind of import is found, and each leads to a file', () => {
  const kinds = [
    `import { a } from './a.ts';`,
    `import type { B } from './b.ts';`,
    `export * from './c.ts';`,
    `const d = await import('./d.ts');`,
    `let e: import('./e.ts').E;`,
    `import './f.ts';`,
    `import {\n  type G,\n  g,\n} from './g.ts';`,
  ];
  assert.deepEqual(
    specifiersIn(kinds.join('\n')),
    [...'abcdefg'].map((name) => `./${name}.ts`),
  );
  const lost = imports
    .filter(({ file }) => /^(?:daemon|shared|desktop)\//.test(file) && !isTest(file))
    .filter((entry) => {
      const to = target(entry)?.replace(/\?.*$/, '');
      // out/ is built; a specifier with ${ is the text of a template
      return to !== undefined && !to.startsWith('out/') && !to.includes('${') && !existsSync(path.join(ROOT, to));
    })
    .map(({ file, specifier }) => `${file} imports ${specifier}`);
  assert.deepEqual(lost, []);
});

test('the wings of the daemon use only those below them', (t) => {
  const wingOf = (file: string): string => /^daemon\/([^/]+)\//.exec(file)?.[1] ?? '';
  const levelOf = (wing: string): number => WINGS.findIndex((level) => level.includes(wing));
  const mayUse = (from: string, to: string): boolean => {
    if (from === to) return true;
    if (to === EDGE.wing) return EDGE.usedBy.includes(from);
    return from !== EDGE.wing && levelOf(from) < levelOf(to);
  };
  const folders = sources.map(wingOf).filter((wing) => wing !== '');
  assert.deepEqual([...new Set(folders)].toSorted(), [...WINGS.flat(), EDGE.wing].toSorted());
  const arrows = imports
    .filter(({ file }) => wingOf(file) !== '' && !isTest(file))
    .map((entry) => ({ ...entry, to: target(entry) ?? '' }))
    .filter(({ file, to }) => wingOf(to) !== '' && wingOf(to) !== wingOf(file));
  assert.ok(arrows.length > 300, `only ${arrows.length} imports found between the wings`);
  const wrong = arrows
    .filter(({ file, to }) => !mayUse(wingOf(file), wingOf(to)))
    .filter(({ file, to }) => wingOf(file) !== EDGE.wing || !EDGE.mayUse.includes(to))
    .map(({ file, specifier }) => `${file} imports ${specifier}`);
  t.diagnostic(`imports against the order of the wings: ${wrong.length} of ${arrows.length}`);
  assert.deepEqual(wrong, []);
  const brought = imports.filter((entry) => {
    const to = target(entry) ?? '';
    return EDGE.mayUse.includes(entry.file) && to.startsWith('daemon/') && !EDGE.mayUse.includes(to);
  });
  assert.deepEqual(brought, [], 'what the agent shares brings nothing else into it');
});

test('no files import each other in a circle', (t) => {
  const inScope = (file: string): boolean => /^(?:daemon|desktop|shared)\//.test(file) && !isTest(file);
  const uses = new Map<string, string[]>(sources.filter(inScope).map((file) => [file, []]));
  for (const entry of imports) {
    const to = target(entry);
    if (to !== undefined && uses.has(to)) uses.get(entry.file)?.push(to);
  }
  const circles = circlesIn(uses);
  t.diagnostic(`circles of files: ${circles.length} among ${uses.size} files`);
  assert.deepEqual(circles, []);
  assert.deepEqual(
    circlesIn(
      new Map([
        ['a', ['b']],
        ['b', ['c']],
        ['c', ['a']],
        ['d', ['a']],
      ]),
    ),
    ['a → b → c → a'],
  );
});

/** One circle for each import that leads back to a file on the path to it. */
function circlesIn(uses: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
    if (path.includes(file) || done.has(file)) return;
    for (const next of uses.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of uses.keys()) visit(file, []);
  return circles;
}

test('shared code runs in a browser', () => {
  const wrong = imports
    .filter(({ file }) => /^shared\//.test(file) && !NODE_ONLY.test(file) && !isTest(file))
    .filter((entry) => entry.specifier.startsWith('node:') || /^shared\/files\//.test(target(entry) ?? ''))
    .map(({ file, specifier }) => `${file} imports ${specifier}`);
  assert.deepEqual(wrong, []);
  const inRenderer = imports
    .filter((entry) => /^desktop\/renderer\//.test(entry.file) && /^shared\/files\//.test(target(entry) ?? ''))
    .map(({ file, specifier }) => `${file} imports ${specifier}`);
  assert.deepEqual(inRenderer, []);
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
    .filter((file) => !isTest(file) && !/schema|samples|^shared\/errors\.ts$/.test(file))
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
  assert.deepEqual(circlesIn(new Map([...used].map(([feature, others]) => [feature, [...others]]))), []);
});

/** Files of the daemon that may use timers and unawaited promises themselves, and why nothing they start can end the process. */
const OWN_TIMERS: Record<string, string> = {
  'daemon/platform/background.ts': 'the supervisor itself',
  'daemon/platform/db/app-databases.ts': 'closes a handle, which cannot fail',
  'daemon/platform/http/silent-connections.ts': 'runs while the server closes, touches sockets only',
  'daemon/platform/logs/store-thread.ts': 'a separate thread; its steps catch everything',
  'daemon/platform/logs/store.ts': 'lets an idle thread go, touches memory only',
  'daemon/platform/logs/thread.ts': 'a time limit that settles a promise',
  'daemon/platform/logs/console-sink.ts': 'loads the printer once, before the daemon starts',
  'daemon/platform/logs/line-writer.ts': 'tries a full pipe again, where no log can be written',
  'daemon/media/mqtt/broker.ts': 'time limits that settle a promise or end a connection',
  'daemon/operations/system/livekit-probe.ts': 'a time limit that settles a promise',
  'daemon/plugins/process.ts': 'time limits that kill a child process, and a look at its memory',
  'daemon/plugins/wire/connection.ts': 'time limits that settle calls',
  'daemon/plugins/remote-provider.ts': 'closes a connection and drops its error',
  'daemon/plugins/plugin-broker.ts': 'answers a thread; the answer holds the error',
  'daemon/plugins/process-main/main.ts': 'runs in the process of a plugin',
  'daemon/plugins/process-main/session.ts': 'runs in the process of a plugin',
};

test('only the supervisor starts timers and promises that nobody awaits', () => {
  const raw =
    /(?<![.\w#])(?:setInterval|setTimeout|setImmediate)\(|(?:^|[\s(>])void (?!app\.register|\w+\.(?:run|close|prepare)\()(?:this|[a-z]\w*)[\w.?#]*\(/m;
  const awaited = /await new Promise\S*\(\(?\w+\)? => set(?:Immediate|Timeout)\(/g;
  const files = sources.filter((file) => /^daemon\/(?!edge\/|cli\/)/.test(file) && !isTest(file));
  const users = files.filter((file) =>
    raw.test(
      readFileSync(path.join(ROOT, file), 'utf8')
        .replaceAll(awaited, '')
        .replaceAll(/\/\/.*|\* .*/g, ''),
    ),
  );
  assert.deepEqual(
    users.filter((file) => !(file in OWN_TIMERS)),
    [],
    'use Background (daemon/platform/background.ts)',
  );
  assert.deepEqual(
    Object.keys(OWN_TIMERS).filter((file) => !users.includes(file)),
    [],
    'these need no exception any more',
  );
});

test('what a file prepares for its daemon follows the start', () => {
  const both = sources.filter((file) => {
    const text = isTest(file) ? readFileSync(path.join(ROOT, file), 'utf8') : '';
    return /^(?:const|let) .*sharedDaemon\(/m.test(text) && /^before\(/m.test(text);
  });
  assert.deepEqual(
    both,
    [],
    'give it to sharedDaemon(): where a file is tested alone, Node lets no hook of it wait for another',
  );
});
