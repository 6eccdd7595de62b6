// typebox is 400 modules: 90 ms of a core in each of the thousand processes and threads of a test run, 8 ms as one file.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ENTRIES, PRELOAD, TYPEBOX } from './bundles.mjs';

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
      output: { dir: TYPEBOX, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' },
    });
    mkdirSync(TYPEBOX, { recursive: true });
    writeFileSync(path.join(TYPEBOX, 'version'), version);
  }
  process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import=${PRELOAD}`.trim();
}

function bundledVersion() {
  try {
    return readFileSync(path.join(TYPEBOX, 'version'), 'utf8');
  } catch {
    return undefined;
  }
}
