// Code as few files for the processes and threads of a test run; see bundle-typebox.mjs, bundle-daemon.mjs and strip-types.mjs.
import { readFileSync } from 'node:fs';
import { registerHooks, syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import threads from 'node:worker_threads';

/** Specifier → name of its bundle. */
export const ENTRIES = { typebox: 'index', 'typebox/value': 'value', 'typebox/format': 'format' };
const ROOT = path.resolve(import.meta.dirname, '../..');
export const TYPEBOX = path.join(ROOT, 'node_modules/.cache/typebox');
/** Folder with the sources without types, when this process uses it. */
export const STRIPPED = path.join(ROOT, 'out', 'tests', 'stripped');
/** What a process or thread loads first. */
export const PRELOAD = new URL('./preload.mjs', import.meta.url).href;

const packages = new Map(
  Object.entries(ENTRIES).map(([specifier, name]) => [
    specifier,
    pathToFileURL(path.join(TYPEBOX, `${name}.mjs`)).href,
  ]),
);

/** Is there a bundled module with the same exports? The two main programs run when they are imported. */
export const isBundled = (file) =>
  /^(?:daemon|shared)\/.*\.ts$/.test(file) &&
  !/\.test\.ts$|\.d\.ts$|(?:^daemon\/edge|\/process-main)\/main\.ts$/.test(file);

/** Does a file test the sources? One beside a source does, one below `test/` the daemon's bundle. */
export const testsSources = (file) => /^(?:daemon|shared|desktop|plugins|build)[\\/]/.test(path.relative(ROOT, file));
/** Folder of the daemon's bundle, when this process uses it; a shared process is told so. */
const usesSources = process.argv[3] === 'sources' || testsSources(process.argv[1] ?? '');
const bundle = usesSources ? undefined : process.env.TEST_BUNDLE;
const SDK = /^streamhub\/plugin-sdk(\/s3|\/conformance)?$/;
const rootUrl = pathToFileURL(`${ROOT}/`).href;

function bundled(specifier, parent) {
  const packaged = packages.get(specifier);
  if (packaged !== undefined || bundle === undefined) return packaged;
  let file;
  if (specifier.startsWith('#daemon/') || specifier.startsWith('#shared/')) file = specifier.slice(1);
  else if (SDK.test(specifier)) file = `shared/plugin-sdk${SDK.exec(specifier)[1] ?? ''}/index.ts`;
  else if (/^(?:\.\.?\/|file:)/.test(specifier)) {
    const { href } = new URL(specifier, parent);
    if (href.startsWith(rootUrl)) file = href.slice(rootUrl.length);
  }
  if (file === undefined || !isBundled(file)) return undefined;
  return pathToFileURL(path.join(bundle, 'lib', file.replace(/\.ts$/, '.js'))).href;
}

/** Text of a source of this project without its types. */
function stripped(url) {
  if (!process.env.TEST_STRIPPED || !url.startsWith(rootUrl) || !url.endsWith('.ts')) return undefined;
  const file = path.relative(ROOT, fileURLToPath(url));
  if (file.startsWith('node_modules')) return undefined;
  try {
    return readFileSync(path.join(STRIPPED, file), 'utf8');
  } catch {
    return undefined;
  }
}

/** Lets this process or thread, and the threads that it starts, load the bundles. */
export function loadBundles() {
  registerHooks({
    resolve(specifier, context, next) {
      const url = bundled(specifier, context.parentURL);
      return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true };
    },
    load(url, context, next) {
      const source = stripped(url);
      return source === undefined ? next(url, context) : { source, format: 'module', shortCircuit: true };
    },
  });
  // a thread with a separate environment does not see NODE_OPTIONS
  const { Worker } = threads;
  threads.Worker = class extends Worker {
    constructor(file, options = {}) {
      const execArgv = [...(options.execArgv ?? []), `--import=${PRELOAD}`];
      super(file, { ...options, ...(options.env ? { execArgv } : {}) });
    }
  };
  syncBuiltinESMExports();
}
