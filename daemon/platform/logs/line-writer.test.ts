import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryDir } from '#test/helpers/daemon.ts';
import { until } from '#test/helpers/until.ts';
import { lineWriter } from './line-writer.ts';

test('lines come in order, also those that are flushed while one is on its way', async (t) => {
  const file = path.join(await temporaryDir(t), 'log');
  const fd = openSync(file, 'a');
  t.after(() => closeSync(fd));
  const out = lineWriter(fd);
  const written = () => readFileSync(file, 'utf8');
  out.write('one\n');
  out.write('two\n');
  await until('they are written', () => written() === 'one\ntwo\n');
  for (const line of ['three\n', 'four\n', 'fünf\n']) out.write(line);
  await until('they are written', () => written() === 'one\ntwo\nthree\nfour\nfünf\n');
  out.write('six\n');
  out.write('seven\n');
  out.flushSync();
  await until('they are written', () => written().endsWith('six\nseven\n') || written().endsWith('seven\nsix\n'));
  out.write('eight\n');
  out.flushSync();
  await until('it is written', () => written().includes('eight\n'));
  assert.equal(written().split('\n').length, 9);
});

test('a place that takes nothing doesn’t keep a flush, and later lines are tried', {
  skip: process.platform !== 'linux' && 'it needs /dev/full',
}, (t) => {
  const fd = openSync('/dev/full', 'w');
  t.after(() => closeSync(fd));
  const out = lineWriter(fd);
  out.write('lost\n');
  out.write('lost as well\n');
  out.flushSync();
  out.write('lost too\n');
  out.flushSync();
});

test('a slow reader gets all lines; a flush for one that reads nothing ends', {
  skip: process.platform === 'win32' && 'its pipes are others',
}, async () => {
  const writer = `const { lineWriter } = await import(${JSON.stringify(new URL('./line-writer.ts', import.meta.url).href)});
process.stdout; // makes a pipe non-blocking
const out = lineWriter(1);
for (let n = 0; n < 4000; n += 1) out.write('x'.repeat(99) + '\\n');
if (process.argv[1] === 'flush') { out.flushSync(); process.exit(7); }
process.stdin.resume();`;
  const run = (how: string) =>
    spawn(process.execPath, ['--input-type=module', '-e', writer, how], { stdio: ['pipe', 'pipe', 'inherit'] });
  const slow = run('wait');
  let size = 0;
  for await (const part of slow.stdout) {
    size += (part as Buffer).length;
    if (size >= 400_000) slow.stdin.end();
  }
  assert.equal(size, 400_000);

  const ignored = run('flush');
  ignored.stdout.pause();
  assert.equal((await once(ignored, 'exit'))[0], 7);
  ignored.stdout.destroy();
});
