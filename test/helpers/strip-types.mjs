// Node strips the types of each TypeScript file in each process of a test run, and loads a parser for that: 60 ms of a core
// in hundreds of processes. Here it is done once, in the same way.
import { globSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import path from 'node:path';
import { STRIPPED } from './bundles.mjs';

const root = path.resolve(import.meta.dirname, '../..');

/** Strips what changed since the last run, and lets the processes of this run load it. Lines and columns stay. */
export function stripTypes() {
  // that Node's function is new is of no use to who runs tests
  const { emitWarning } = process;
  process.emitWarning = () => {};
  const sources = globSync('{build,daemon,desktop,plugins,shared,test}/**/*.ts', {
    cwd: root,
    exclude: (name) => name === 'node_modules',
  });
  for (const source of sources) {
    const file = path.join(root, source);
    const stripped = path.join(STRIPPED, source);
    const { mtime } = statSync(file);
    if (statSync(stripped, { throwIfNoEntry: false })?.mtimeMs === mtime.getTime()) continue;
    mkdirSync(path.dirname(stripped), { recursive: true });
    writeFileSync(stripped, stripTypeScriptTypes(readFileSync(file, 'utf8')));
    utimesSync(stripped, mtime, mtime);
  }
  process.emitWarning = emitWarning;
  process.env.TEST_STRIPPED = '1';
}
