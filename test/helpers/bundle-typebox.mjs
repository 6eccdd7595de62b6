// typebox is 400 modules: 90 ms of a core in each of the thousand processes and threads of a test run, 8 ms as one file.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BUNDLE, ENTRIES, PRELOAD } from './bundled-typebox.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(path.join(root, 'node_modules/typebox/package.json'), 'utf8'));

/** Writes the bundles once for each version, and lets every Node that is started from here on load them. */
export async function bundleTypebox() {
  if (bundledVersion() !== version) {
    const { build } = await import('rolldown');
    await build({
      cwd: root,
      input: Object.fromEntries(Object.entries(ENTRIES).map(([specifier, name]) => [name, specifier])),
      platform: 'node',
      logLevel: 'warn',
      output: { dir: BUNDLE, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' },
    });
    mkdirSync(BUNDLE, { recursive: true });
    writeFileSync(path.join(BUNDLE, 'version'), version);
  }
  process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import=${PRELOAD}`.trim();
}

function bundledVersion() {
  try {
    return readFileSync(path.join(BUNDLE, 'version'), 'utf8');
  } catch {
    return undefined;
  }
}
