#!/usr/bin/env node
// The one entry in plain JavaScript: an older Node must get a clear line, not a syntax error or a native crash.
import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import module from 'node:module';
import os from 'node:os';
import path from 'node:path';

const REQUIRED = 24;
const major = Number(process.versions.node.split('.')[0]);
if (major < REQUIRED) {
  // the sources are beside it, or beside the folder of the bundle
  const isClone = ['../build/start.mjs', '../../build/start.mjs'].some((file) =>
    existsSync(new URL(file, import.meta.url)),
  );
  const cure = isClone
    ? 'Start it with `npm start`, which brings its own Node.'
    : `Install Node ${REQUIRED} (https://nodejs.org), or let npm bring one: npm install -g node@${REQUIRED}`;
  process.stderr.write(`streamhub: needs Node ${REQUIRED} or newer, this is ${process.version}. ${cure}\n`);
  process.exit(1);
}
if (process.env.NODE_COMPILE_CACHE === undefined) {
  const folder = compileCache();
  if (folder !== undefined) module.enableCompileCache?.(folder);
}
// Beside the built bundle the entry is cli.js; in a clone it is the TypeScript source.
const built = new URL('./cli.js', import.meta.url);
const { main } = await import(existsSync(built) ? built.href : new URL('./cli/main.ts', import.meta.url).href);
await main(process.argv.slice(2));

/**
 * The folder for compiled code. Who can write there decides what this process runs; Node's default is one folder for all
 * users of the machine, that anybody can make first.
 */
function compileCache() {
  const user = process.getuid?.();
  const folder = path.join(os.tmpdir(), `streamhub-compiled-${user ?? 'here'}`);
  try {
    mkdirSync(folder, { mode: 0o700, recursive: true });
    const found = lstatSync(folder);
    // on Windows each user has a separate temporary folder
    const isPrivate = user === undefined || (found.uid === user && (found.mode & 0o022) === 0);
    return found.isDirectory() && isPrivate ? folder : undefined;
  } catch {
    return undefined;
  }
}
