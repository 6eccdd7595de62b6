import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { assetFor } from './app-protocol.ts';

const dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-assets-'));
const root = path.join(dir, 'renderer');
test.after(() => rm(dir, { recursive: true, force: true }));
await mkdir(path.join(root, 'assets'), { recursive: true });
await mkdir(path.join(dir, 'renderer-other'));
await writeFile(path.join(root, 'index.html'), '<!doctype html>');
await writeFile(path.join(root, 'assets', 'main-a1b2.js'), '1');
await writeFile(path.join(root, 'assets', 'tool.exe'), '1');
await writeFile(path.join(dir, 'secret.txt'), 'secret');
await writeFile(path.join(dir, 'renderer-other', 'x.js'), 'secret');
await symlink(path.join(dir, 'secret.txt'), path.join(root, 'assets', 'link.txt'));

test('the page, its places and its files are sent with their policy', async () => {
  for (const address of [
    'app://streamhub/',
    'app://streamhub/c/a/apps/live',
    'app://streamhub/backups/2026-01-01T00:00.000Z',
    'app://streamhub/apps?x=1#y',
  ]) {
    const answer = await assetFor(root, address);
    assert.equal(answer.status, 200, address);
    assert.ok(answer.file?.endsWith('index.html'));
    assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8');
    assert.match(answer.headers['content-security-policy'] ?? '', /script-src 'self'/);
    assert.equal(answer.headers['cache-control'], 'no-cache');
  }
  const script = await assetFor(root, 'app://streamhub/assets/main-a1b2.js');
  assert.equal(script.headers['content-type'], 'text/javascript; charset=utf-8');
  assert.match(script.headers['cache-control'] ?? '', /immutable/);
  const head = await assetFor(root, 'app://streamhub/', 'HEAD');
  assert.deepEqual([head.status, head.file], [200, null]);
});

test('nothing outside the folder is ever sent', async () => {
  const tries = [
    'app://streamhub/../secret.txt',
    'app://streamhub/%2e%2e/secret.txt',
    'app://streamhub/..%2fsecret.txt',
    'app://streamhub/assets/..%2f..%2fsecret.txt',
    'app://streamhub/%252e%252e%252fsecret.txt',
    'app://streamhub/..%5csecret.txt',
    'app://streamhub/assets\\..\\..\\secret.txt',
    'app://streamhub/../renderer-other/x.js',
    'app://streamhub/..%2frenderer-other/x.js',
    `app://streamhub/${path.join(dir, 'secret.txt')}`,
    `app://streamhub//${path.join(dir, 'secret.txt')}`,
    'app://streamhub/assets/link.txt',
    'app://streamhub/assets/main-a1b2.js%00.txt',
    'app://streamhub/assets/main-a1b2.js::$DATA.js',
    'app://streamhub/assets/tool.exe',
    'app://streamhub/assets/missing.js',
    'app://streamhub/%E0%A4%A.js',
    'app://elsewhere/index.html',
    'file:///etc/passwd',
    'nonsense',
  ];
  for (const address of tries) {
    const answer = await assetFor(root, address);
    assert.equal(answer.file, null, address);
    assert.ok(answer.status >= 400, address);
  }
  assert.equal((await assetFor(root, 'app://streamhub/', 'POST')).status, 405);
});
