// Typebox as one file for the processes and threads of a test run; see bundle-typebox.mjs.
import { registerHooks, syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import threads from 'node:worker_threads';

/** Specifier → name of its bundle. */
export const ENTRIES = { typebox: 'index', 'typebox/value': 'value', 'typebox/format': 'format' };
export const BUNDLE = path.resolve(import.meta.dirname, '../../node_modules/.cache/typebox');
/** What a process or thread loads first. */
export const PRELOAD = new URL('./preload.mjs', import.meta.url).href;

const urls = new Map(
  Object.entries(ENTRIES).map(([specifier, name]) => [specifier, pathToFileURL(path.join(BUNDLE, `${name}.mjs`)).href]),
);
/** Lets this process or thread, and the threads that it starts, load the bundles. */
export function loadBundles() {
  registerHooks({
    resolve(specifier, context, next) {
      const url = urls.get(specifier);
      return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true };
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
