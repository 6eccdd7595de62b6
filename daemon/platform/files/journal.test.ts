import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { stageFile } from '#shared/files/atomic-file.ts';
import { temporaryDir } from '#test/helpers/daemon.ts';
import { refuseFiles } from '#test/helpers/fs-faults.ts';
import { FileJournal } from './journal.ts';

/** Changes two files, and kills itself before the file operation of the given number. */
const CHANGE = `
import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
const [dir, killAt] = [process.argv[1], Number(process.argv[2])];
const { stageFile } = await import('#shared/files/atomic-file.ts');
const { FileJournal } = await import('#daemon/platform/files/journal.ts');
let count = 0;
for (const call of ['open', 'rename', 'rm', 'mkdir']) {
  const original = fsp[call];
  fsp[call] = (...args) => {
    if (++count === killAt) process.kill(process.pid, 'SIGKILL');
    return original.apply(fsp, args);
  };
}
syncBuiltinESMExports();
const staged = [await stageFile(dir + '/a/secrets', 'new'), await stageFile(dir + '/b/config', 'new')];
await new FileJournal(dir + '/changes').commit(staged);
`;

async function twoFiles(t: { after(fn: () => unknown): void }): Promise<string> {
  const dir = await temporaryDir(t);
  for (const file of ['a/secrets', 'b/config']) {
    await mkdir(path.join(dir, path.dirname(file)));
    await writeFile(path.join(dir, file), 'old');
  }
  return dir;
}
const contents = (dir: string) =>
  Promise.all(['a/secrets', 'b/config'].map((file) => readFile(path.join(dir, file), 'utf8')));

describe('a change of two files', () => {
  it('is made whole or not at all by a kill before each of its file operations', async (t) => {
    const seen = new Set<string>();
    for (let killAt = 1; ; killAt += 1) {
      const dir = await twoFiles(t);
      const { signal, status, stderr } = spawnSync(
        process.execPath,
        ['--input-type=module', '-e', CHANGE, dir, String(killAt)],
        { encoding: 'utf8' },
      );
      assert.ok(signal === 'SIGKILL' || status === 0, stderr);
      const recovered = await new FileJournal(path.join(dir, 'changes')).recover();
      for (const { error } of recovered) assert.equal(error, undefined);
      const found = (await contents(dir)).join(' ');
      assert.ok(['old old', 'new new'].includes(found), `killed before operation ${killAt}: ${found}`);
      seen.add(found);
      assert.deepEqual(await new FileJournal(path.join(dir, 'changes')).recover(), []);
      if (status === 0) break;
    }
    assert.deepEqual([...seen].sort(), ['new new', 'old old']);
  });

  it('is undone when the second file cannot be replaced', async (t) => {
    const dir = await twoFiles(t);
    const journal = new FileJournal(path.join(dir, 'changes'));
    const staged = [
      await stageFile(path.join(dir, 'a/secrets'), 'new'),
      await stageFile(path.join(dir, 'b/config'), 'new'),
    ];
    const fault = refuseFiles('EIO', ['rename'], /b\/\.config/);
    await assert.rejects(journal.commit(staged), { code: 'EIO' });
    fault.end();
    assert.deepEqual(await contents(dir), ['old', 'old']);
    for (const folder of ['a', 'b']) assert.equal((await readdir(path.join(dir, folder))).length, 1);
    assert.deepEqual(await journal.recover(), []);
  });

  it('does not overwrite what a person edited after the kill', async (t) => {
    const dir = await twoFiles(t);
    const journal = new FileJournal(path.join(dir, 'changes'));
    // the process ends after the first file
    const { signal } = spawnSync(process.execPath, [
      '--input-type=module',
      '-e',
      CHANGE.replace('++count === killAt', "call === 'rename' && String(args[0]).includes('b/.config')"),
      dir,
      '0',
    ]);
    assert.equal(signal, 'SIGKILL');
    assert.deepEqual(await contents(dir), ['new', 'old']);
    await writeFile(path.join(dir, 'b/config'), 'edited');
    assert.equal((await journal.recover()).length, 1);
    assert.deepEqual(await contents(dir), ['new', 'edited']);
  });
});
