import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import pino from 'pino';
import { ConsoleBuilder } from './builder.ts';

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

const builderOf = (root: string) => new ConsoleBuilder(root, path.join(root, 'out/console'), log, true);

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
