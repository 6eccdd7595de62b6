// `npm start` in a clone: bundles the daemon when the bundle is missing or older than its sources, then becomes the daemon.
// The first start has no bundler yet and runs the sources; the daemon installs the rest beside its work.
import { spawnSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const mtime = (file) => statSync(path.join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;

const hasBundler = mtime('node_modules/rolldown/package.json') > 0;
const built = mtime('out/daemon/bin.mjs');
const isStale = () =>
  [
    ...globSync('{daemon,shared,plugins}/**/*.{ts,mjs,json,yaml}', { cwd: root }),
    'build/build-daemon.mjs',
    'package-lock.json',
  ].some((file) => mtime(file) > built);

let entry = '../out/daemon/bin.mjs';
if (built === 0 || isStale()) {
  if (hasBundler) bundle();
  else entry = '../daemon/bin.mjs';
}
await import(entry);

function bundle() {
  const { status } = spawnSync(process.execPath, [path.join(root, 'build', 'build-daemon.mjs')], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) process.exit(status ?? 1);
}
