import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { checkPlugin } from '#daemon/cli/plugin/check.ts';
import { BIN, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const guide = await readFile(path.join(ROOT, 'docs/plugins.md'), 'utf8');
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
    const plugin = found.find((candidate) => candidate.id === id);
    assert.deepEqual(plugin?.problems, [], id);
  }
});

test('the guide’s preset file is a plugin', async (t) => {
  const [text] = blocks('yaml');
  const file = path.join(await temporaryDir(t), 'night-shift.yaml');
  await writeFile(file, text as string);
  const { ok, warnings } = await checkPlugin(file);
  assert.deepEqual([ok, warnings], [true, []]);
});
