import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { temporaryDir } from '#test/helpers/daemon.ts';
import { refuseFiles } from '#test/helpers/fs-faults.ts';
import { moveFolder } from './move-folder.ts';

/** Moves as between two file systems, and kills itself before the file operation of the given number. */
const MOVE = `
import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
const [dir, killAt] = [process.argv[1], Number(process.argv[2])];
const { moveFolder } = await import('#daemon/platform/files/move-folder.ts');
let count = 0;
for (const call of ['cp', 'open', 'rename', 'rm', 'stat', 'readdir']) {
  const original = fsp[call];
  fsp[call] = (...args) => {
    if (++count === killAt) process.kill(process.pid, 'SIGKILL');
    if (call === 'rename' && args[0] === dir + '/apps/a') return Promise.reject(Object.assign(new Error('x'), { code: 'EXDEV' }));
    return original.apply(fsp, args);
  };
}
syncBuiltinESMExports();
await moveFolder(dir + '/apps/a', dir + '/archive/a');
`;

async function oneFolder(t: { after(fn: () => unknown): void }): Promise<string> {
  const dir = await temporaryDir(t);
  await mkdir(path.join(dir, 'apps/a/recordings'), { recursive: true });
  await mkdir(path.join(dir, 'archive'));
  await writeFile(path.join(dir, 'apps/a/config.yaml'), 'name: a');
  await writeFile(path.join(dir, 'apps/a/recordings/one.mp4'), 'picture');
  return dir;
}
const isWhole = async (folder: string): Promise<boolean> =>
  (await readFile(path.join(folder, 'config.yaml'), 'utf8').catch(() => '')) === 'name: a' &&
  (await readFile(path.join(folder, 'recordings/one.mp4'), 'utf8').catch(() => '')) === 'picture';
const move = (dir: string, killAt: number) =>
  spawnSync(process.execPath, ['--input-type=module', '-e', MOVE, dir, String(killAt)], { encoding: 'utf8' });

describe('a folder that moves to another file system', () => {
  it('is whole in one place after a kill before each file operation, and the next call finishes', async (t) => {
    const places = new Set<string>();
    for (let killAt = 1; ; killAt += 1) {
      const dir = await oneFolder(t);
      const { signal, status, stderr } = move(dir, killAt);
      assert.ok(signal === 'SIGKILL' || status === 0, stderr);
      const [old, arrived] = [await isWhole(path.join(dir, 'apps/a')), await isWhole(path.join(dir, 'archive/a'))];
      assert.ok(old || arrived, `killed before operation ${killAt}`);
      if (!arrived) assert.ok(!(await readdir(path.join(dir, 'archive'))).includes('a'), 'no part has the name');
      places.add(arrived ? 'new' : 'old');
      if (status === 0) break;
      const away = refuseFiles('EXDEV', ['rename'], /apps\/a$/);
      await moveFolder(path.join(dir, 'apps/a'), path.join(dir, 'archive/a'));
      away.end();
      assert.ok(await isWhole(path.join(dir, 'archive/a')));
      assert.deepEqual(await readdir(path.join(dir, 'archive')), ['a']);
      await assert.rejects(stat(path.join(dir, 'apps/a')), { code: 'ENOENT' });
    }
    assert.deepEqual([...places].sort(), ['new', 'old']);
  });

  it('stays where it is when the copy fails, and leaves no part of it', async (t) => {
    const dir = await oneFolder(t);
    const away = refuseFiles('EXDEV', ['rename'], /apps\/a$/);
    const full = refuseFiles('ENOSPC', ['open'], /one\.mp4$/);
    await assert.rejects(moveFolder(path.join(dir, 'apps/a'), path.join(dir, 'archive/a')), { code: 'ENOSPC' });
    full.end();
    away.end();
    assert.ok(await isWhole(path.join(dir, 'apps/a')));
    assert.deepEqual(await readdir(path.join(dir, 'archive')), []);
  });
});
