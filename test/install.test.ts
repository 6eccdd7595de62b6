import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const ROOT = path.resolve(import.meta.dirname, '..');

/**
 * `build/ensure-install.mjs` runs the install scripts of the packages it names and no others, so that a machine without a
 * compiler can start the daemon. A new dependency with a script must be decided upon there.
 */
test('every package with an install script is known to the installation', () => {
  const { packages } = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { hasInstallScript?: boolean }>;
  };
  const withScript = Object.entries(packages).flatMap(([place, { hasInstallScript }]) =>
    hasInstallScript ? [place.replace(/^.*node_modules\//, '')] : [],
  );
  // electron-winstaller's is for packaging on Windows only; esbuild's only makes its start faster; scarf's only counts
  // installations; it is never run, and package.json turns it off
  assert.deepEqual(withScript.sort(), ['@scarf/scarf', 'electron-winstaller', 'esbuild', 'keytar', 'node', 'node-pty']);
  const installer = readFileSync(path.join(ROOT, 'build', 'ensure-install.mjs'), 'utf8');
  for (const name of ['keytar', 'node', 'node-pty']) assert.ok(installer.includes(`'${name}'`), name);
});

test('the database library brings its binary for every system that is supported', () => {
  for (const target of ['linux-x64', 'linux-arm64', 'linuxmusl-x64', 'darwin-x64', 'darwin-arm64', 'win32-x64']) {
    const file = path.join(ROOT, 'node_modules', 'better-sqlite3', 'prebuilds', `${target}.node`);
    assert.ok(existsSync(file), target);
  }
});
