import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import pino from 'pino';
import { CloneBuilder } from './clone-builder.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const log = pino({ level: 'silent' });

/** A clone with a renderer of one line, built by the real vite. */
async function clone(t: TestContext): Promise<string> {
  const root = await mkdtemp(path.join(os.tmpdir(), 'streamhub-clone-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const renderer = path.join(root, 'desktop/renderer');
  await mkdir(renderer, { recursive: true });
  await symlink(path.join(ROOT, 'node_modules'), path.join(root, 'node_modules'));
  await writeFile(path.join(root, 'package.json'), '{"type":"module"}');
  await writeFile(path.join(renderer, 'vite.config.ts'), `export default { root: ${JSON.stringify(renderer)} };`);
  await writeFile(path.join(renderer, 'index.html'), '<!doctype html><title>one</title>');
  return root;
}

const builderOf = (root: string) =>
  new CloneBuilder(root, path.join(root, 'out/console'), log, { isAwaited: true, mayInstall: true });

test('builds what is missing, leaves what is fresh, builds again what is old', async (t) => {
  const root = await clone(t);
  const index = path.join(root, 'out/console/index.html');
  const builder = builderOf(root);
  const running = builder.run();
  await running;
  assert.equal(builder.state, 'idle');
  assert.match(await readFile(index, 'utf8'), /<title>one/);
  await writeFile(index, 'untouched');
  await builder.run();
  assert.equal(await readFile(index, 'utf8'), 'untouched');
  const source = path.join(root, 'desktop/renderer/index.html');
  await writeFile(source, '<!doctype html><title>two</title>');
  const later = new Date(Date.now() + 60_000);
  await utimes(source, later, later);
  await builder.run();
  assert.match(await readFile(index, 'utf8'), /<title>two/);
});

test('a build that fails says so and leaves nothing behind', async (t) => {
  const root = await clone(t);
  await writeFile(path.join(root, 'desktop/renderer/index.html'), '<script type="module" src="./missing.ts"></script>');
  const builder = builderOf(root);
  await builder.run();
  assert.equal(builder.state, 'failed');
  assert.equal(existsSync(path.join(root, 'out/console')), false);
});

test('without sources there is nothing to build', async (t) => {
  const root = await clone(t);
  await rm(path.join(root, 'desktop'), { recursive: true });
  const builder = builderOf(root);
  await builder.run();
  assert.equal(builder.state, 'absent');
});

test('a clone that has only what the daemon needs installs the rest, and then builds', async (t) => {
  const root = await mkdtemp(path.join(os.tmpdir(), 'streamhub-clone-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const write = async (file: string, text: string): Promise<void> => {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await writeFile(path.join(root, file), text);
  };
  // packages from folders, so that npm needs no registry
  await write('vendor/server/package.json', '{"name":"server","version":"1.0.0"}');
  await write('vendor/vite/package.json', '{"name":"vite","version":"1.0.0"}');
  const build = `const dir = process.argv[process.argv.indexOf('--outDir') + 1];
require('fs').mkdirSync(dir, { recursive: true });
require('fs').writeFileSync(dir + '/index.html', 'built');`;
  await write('vendor/vite/bin/vite.js', build);
  await write('desktop/renderer/vite.config.ts', '');
  await write(
    'package.json',
    '{"name":"clone","dependencies":{"server":"file:vendor/server"},"devDependencies":{"vite":"file:vendor/vite"}}',
  );
  await mkdir(path.join(root, 'build'));
  await copyFile(path.join(ROOT, 'build/ensure-install.mjs'), path.join(root, 'build/ensure-install.mjs'));
  const run = promisify(execFile);
  await run('npm', ['install', '--package-lock-only', '--no-audit', '--offline'], { cwd: root });

  const installs = await Promise.all(
    [1, 2].map(() => run(process.execPath, ['build/ensure-install.mjs', '--daemon'], { cwd: root })),
  );
  assert.equal(installs.filter(({ stderr }) => stderr.includes('installing what the daemon needs')).length, 1);
  assert.ok(existsSync(path.join(root, 'node_modules/server/package.json')));
  assert.ok(!existsSync(path.join(root, 'node_modules/vite')));
  const lock = await readFile(path.join(root, 'package-lock.json'), 'utf8');
  const before = await stat(path.join(root, 'node_modules/server'));

  const dir = path.join(root, 'out/console');
  const served = new CloneBuilder(root, dir, log);
  await served.run();
  assert.equal(served.state, 'absent', 'a daemon that npm did not start installs nothing');
  const builder = builderOf(root);
  await builder.run();
  assert.equal(builder.state, 'idle');
  assert.equal(await readFile(path.join(dir, 'index.html'), 'utf8'), 'built');
  assert.equal(await readFile(path.join(root, 'package-lock.json'), 'utf8'), lock);
  assert.equal((await stat(path.join(root, 'node_modules/server'))).ino, before.ino);
});
