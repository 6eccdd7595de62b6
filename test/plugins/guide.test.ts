import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { checkPlugin } from '#daemon/cli/plugin/check.ts';
import { BIN, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { node, plugin } from '#test/helpers/plugin-kit.ts';
import { startS3Server } from '#test/helpers/s3-server.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const guide = readFileSync(path.join(ROOT, 'docs/plugins.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...guide.matchAll(/```(\w+)\n([\s\S]*?)```/g)].flatMap(([, name, text = '']) => (name === language ? [text] : []));

test('the guide’s commands lead to a preset that is applied and a provider that is loaded', {
  skip: process.platform === 'win32' && 'its commands are for a POSIX shell',
}, async (t) => {
  const daemon = await testDaemon(t);
  const dir = await temporaryDir(t);
  await mkdir(path.join(dir, 'bin'));
  await writeFile(path.join(dir, 'bin/streamhub'), `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`, {
    mode: 0o755,
  });
  const commands = blocks('sh');
  assert.ok(commands.length >= 5);
  // each part of the guide begins where the author keeps plugins
  const script = commands.map((text) => (/^cd |plugin new/.test(text) ? `cd "${dir}"\n${text}` : text)).join('\n');
  const kept = Object.entries(process.env).filter(([name]) => !/^(?:NODE_TEST|NODE_OPTIONS|npm_)/.test(name));
  const env = {
    ...Object.fromEntries(kept),
    PATH: `${path.join(dir, 'bin')}:${path.dirname(process.execPath)}:${process.env['PATH']}`,
    DATA_DIR: daemon.dataDir,
    URL: daemon.url,
    TOKEN: daemon.token,
  };
  // a request that is refused must fail the script
  const strict = script.replaceAll('curl ', 'curl --fail-with-body --silent --show-error ');
  const { stdout } = await promisify(execFile)('sh', ['-e', '-c', strict], { cwd: dir, env, timeout: 170_000 });
  assert.match(stdout, /quiet-night 0\.1\.0: works/);
  assert.match(stdout, /my-store 0\.1\.0: works/);
  assert.match(stdout, /"applied"|"changed/);
  await daemon.api.post('/plugins/reload');
  const found = (await daemon.api.get('/plugins')).body.data as { id: string; state: string; problems: unknown[] }[];
  for (const id of ['quiet-night', 'my-store']) {
    const loaded = found.find((candidate) => candidate.id === id);
    assert.deepEqual(loaded?.problems, [], id);
  }
});

test('a provider made of nothing but the files that the guide shows passes the conformance kit', async (t) => {
  const s3 = startS3Server();
  if (typeof s3 === 'string') return t.skip(s3);
  t.after(() => s3.stop());
  const [, section = ''] = guide.split('### A provider by hand\n');
  const files = [...section.split('\n### ', 1)[0]!.matchAll(/^`([\w.]+)`:\n\n```\w+\n([\s\S]*?)^```$/gm)];
  assert.deepEqual(
    files.map(([, name]) => name),
    ['plugin.json', 'index.js', 'conformance.test.js'],
  );
  const folder = path.join(await temporaryDir(t), 'plain-s3');
  await mkdir(path.join(folder, 'node_modules'), { recursive: true });
  for (const [, name = '', text = ''] of files) await writeFile(path.join(folder, name), text);
  // what `plugin new` would have made
  await writeFile(path.join(folder, 'package.json'), '{"type":"module"}');
  await symlink(ROOT, path.join(folder, 'node_modules', 'streamhub'), 'junction');
  const checked = await plugin(path.dirname(folder), ['check', 'plain-s3']);
  assert.equal(checked.status, 0, checked.out + checked.err);
  assert.match(checked.out, /plain-s3 0\.1\.0: works/);
  const tested = await node(['--test', '--test-reporter=tap'], folder, {
    STORAGE_BUCKET: await s3.bucket(),
    STORAGE_ENDPOINT: s3.endpoint,
    STORAGE_REGION: s3.region,
    STORAGE_KEY: s3.key,
    STORAGE_SECRET: s3.secret,
  });
  assert.equal(tested.status, 0, tested.out + tested.err);
  assert.match(tested.out, /# pass [1-9]\d/);
});

test('the guide’s preset file is a plugin', async (t) => {
  const [text] = blocks('yaml');
  const file = path.join(await temporaryDir(t), 'night-shift.yaml');
  await writeFile(file, text as string);
  const { ok, warnings } = await checkPlugin(file);
  assert.deepEqual([ok, warnings], [true, []]);
});
