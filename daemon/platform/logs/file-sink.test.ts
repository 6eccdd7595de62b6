import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { testBackground } from '#test/helpers/background.ts';
import { until } from '#test/helpers/until.ts';
import { FileSink } from './file-sink.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'streamhub-log-file-'));
after(() => rmSync(root, { recursive: true, force: true }));
const background = testBackground();
let count = 0;
function folder(): string {
  const dir = path.join(root, String(count++));
  mkdirSync(dir);
  return dir;
}
const current = (dir: string): string => readFileSync(path.join(dir, 'streamhub.log'), 'utf8');
const archives = (dir: string): string[] =>
  readdirSync(dir)
    .filter((name) => name !== 'streamhub.log')
    .sort();
const read = (dir: string, name: string): string => readFileSync(path.join(dir, name), 'utf8');

describe('FileSink', () => {
  it('appends lines to a file that only its owner reads', async () => {
    const dir = folder();
    for (const line of ['one\n', 'two\n']) {
      const sink = new FileSink({ dir, maxBytes: 1000, background, maxFiles: 3 });
      sink.write(line);
      await sink.close();
    }
    assert.equal(current(dir), 'one\ntwo\n');
    assert.equal(statSync(path.join(dir, 'streamhub.log')).mode & 0o777, 0o600);
    assert.deepEqual(archives(dir), []);
  });

  it('rotates by size, keeps whole lines and every one of them, and only the newest archives', async () => {
    const dir = folder();
    let ms = Date.parse('2026-11-23T10:00:00Z');
    const sink = new FileSink({ dir, maxBytes: 100, background, maxFiles: 2, now: () => new Date((ms += 1)) });
    const lines = Array.from({ length: 40 }, (_, i) => `${'x'.repeat(20)} ${String(i).padStart(3, '0')}\n`);
    for (const line of lines) sink.write(line);
    await sink.close();
    assert.equal(archives(dir).length, 2);
    assert.match(archives(dir)[0] as string, /^streamhub-2026-11-23T10-00-00\.\d{3}Z\.log$/);
    const kept = [...archives(dir).map((name) => read(dir, name)), current(dir)].join('');
    assert.ok(lines.join('').endsWith(kept), 'the newest lines, in order, none lost or torn');
    assert.ok(kept.length > 200);
  });

  it('rotates when the day changes, and when the last run was on another day', async () => {
    const dir = folder();
    writeFileSync(path.join(dir, 'streamhub.log'), 'old\n');
    utimesSync(path.join(dir, 'streamhub.log'), new Date('2026-11-20T12:00:00Z'), new Date('2026-11-20T12:00:00Z'));
    let now = new Date('2026-11-22T23:59:59Z');
    const sink = new FileSink({ dir, maxBytes: 1000, background, maxFiles: 5, now: () => now });
    sink.write('sunday\n');
    now = new Date('2026-11-23T00:00:01Z');
    sink.write('monday\n');
    await sink.close();
    assert.equal(current(dir), 'monday\n');
    assert.deepEqual(
      archives(dir).map((name) => read(dir, name)),
      ['old\n', 'sunday\n'],
    );
  });

  it('removes archives older than asked for, and no other files', async () => {
    const dir = folder();
    for (const name of [
      'streamhub-2026-01-01T00-00-00.000Z.log',
      'streamhub-2026-02-01T00-00-00.000Z.log',
      'notes.log',
    ]) {
      writeFileSync(path.join(dir, name), name);
      const written = new Date(name.includes('02-01') ? '2026-02-01' : '2026-01-01');
      utimesSync(path.join(dir, name), written, written);
    }
    const sink = new FileSink({ dir, maxBytes: 1000, background, maxFiles: 10 });
    await sink.tidy(new Date('2026-01-15'));
    await sink.close();
    assert.deepEqual(archives(dir), ['notes.log', 'streamhub-2026-02-01T00-00-00.000Z.log']);
  });

  it('reports a full disk once and throws nothing', async () => {
    const dir = folder();
    symlinkSync('/dev/full', path.join(dir, 'streamhub.log'));
    const troubles: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const sink = new FileSink({
      dir,
      maxBytes: 1_000_000,
      background,
      maxFiles: 1,
      onTrouble: (code) => {
        troubles.push(code);
        resolve();
      },
    });
    sink.write('one\n');
    await promise;
    sink.write('two\n');
    await sink.close();
    assert.deepEqual(troubles, ['ENOSPC']);
  });

  it('keeps lines in their order while the disk is full, and says how many it could not keep', async () => {
    const dir = folder();
    const file = path.join(dir, 'streamhub.log');
    symlinkSync('/dev/full', file);
    const { promise, resolve } = Promise.withResolvers<void>();
    const sink = new FileSink({
      dir,
      maxBytes: 1_000_000,
      background,
      maxFiles: 1,
      maxWaiting: 20,
      onTrouble: () => resolve(),
    });
    sink.write('kept 1\n');
    sink.write('kept 2\n');
    await promise;
    for (let n = 0; n < 5; n += 1) sink.write(`too much ${n}\n`);
    rmSync(file);
    await sink.close();
    const [first, second, loss, ...more] = current(dir).trimEnd().split('\n');
    assert.deepEqual([first, second, more], ['kept 1', 'kept 2', []]);
    const { level, source, lines } = JSON.parse(loss as string);
    assert.deepEqual({ level, source, lines }, { level: 'warn', source: 'logs', lines: 5 });
  });

  it('tries again by itself once there is space', async () => {
    const dir = folder();
    const file = path.join(dir, 'streamhub.log');
    symlinkSync('/dev/full', file);
    const { promise, resolve } = Promise.withResolvers<void>();
    const sink = new FileSink({ dir, maxBytes: 1_000_000, background, maxFiles: 1, onTrouble: () => resolve() });
    sink.write('kept\n');
    await promise;
    rmSync(file);
    await until('the lines are written', () => existsSync(file) && current(dir) === 'kept\n');
    await sink.close();
    assert.equal(current(dir), 'kept\n');
  });

  it('writes what waits at once when the process is about to die', async () => {
    const dir = folder();
    const sink = new FileSink({ dir, maxBytes: 1000, background, maxFiles: 1 });
    sink.write('last words\n');
    sink.flushSync();
    assert.equal(current(dir), 'last words\n');
    await sink.close();
    assert.equal(current(dir), 'last words\n');
  });

  it('lives with a folder that it may not write to', async () => {
    const dir = path.join(root, 'a-file');
    writeFileSync(dir, '');
    const { promise, resolve } = Promise.withResolvers<string>();
    const sink = new FileSink({
      dir: path.join(dir, 'logs'),
      maxBytes: 1000,
      background,
      maxFiles: 1,
      onTrouble: resolve,
    });
    sink.write('one\n');
    assert.equal(await promise, 'ENOTDIR');
    sink.write('two\n');
    sink.flushSync();
    await sink.close();
  });
});
