import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { temporaryDir } from '#test/helpers/daemon.ts';
import { refuseFiles } from '#test/helpers/fs-faults.ts';
import { recoverFile, stageFile, writeAtomically, writeAtomicallySync } from './atomic-file.ts';
import { setAside } from './set-aside.ts';

describe('an atomic write', () => {
  for (const [name, write] of Object.entries({ writeAtomically, writeAtomicallySync })) {
    it(`${name} replaces the content and the mode, and leaves nothing beside the file`, async (t) => {
      const dir = await temporaryDir(t);
      const file = path.join(dir, 'a.json');
      await write(file, 'old');
      assert.equal((await stat(file)).mode & 0o777, 0o600);
      await write(file, Buffer.from('new'), { mode: 0o755 });
      assert.equal(await readFile(file, 'utf8'), 'new');
      assert.equal((await stat(file)).mode & 0o777, 0o755);
      assert.deepEqual(await readdir(dir), ['a.json']);
    });

    it(`${name} leaves nothing behind when the file cannot be replaced`, async (t) => {
      const dir = await temporaryDir(t);
      await mkdir(path.join(dir, 'a.json'));
      await assert.rejects(async () => write(path.join(dir, 'a.json'), 'new'), { code: 'EISDIR' });
      assert.deepEqual(await readdir(dir), ['a.json']);
    });
  }

  it('in two steps changes nothing before the second', async (t) => {
    const dir = await temporaryDir(t);
    const file = path.join(dir, 'a.json');
    await writeFile(file, 'old');
    const dropped = await stageFile(file, 'dropped');
    const kept = await stageFile(file, 'kept');
    await dropped.discard();
    assert.equal(await readFile(file, 'utf8'), 'old');
    await kept.commit();
    assert.equal(await readFile(file, 'utf8'), 'kept');
    assert.deepEqual(await readdir(dir), ['a.json']);
  });

  it('that a kill interrupted is removed, other files are not', async (t) => {
    const dir = await temporaryDir(t);
    const file = path.join(dir, 'a.json');
    await stageFile(file, 'never in place');
    for (const name of ['.a.json', '.b.json.123.tmp', 'a.json.tmp']) await writeFile(path.join(dir, name), '');
    await recoverFile(file);
    assert.deepEqual((await readdir(dir)).sort(), ['.a.json', '.b.json.123.tmp', 'a.json.tmp']);
  });
});

it('a file that is set aside keeps its content under a name that says why and when', async (t) => {
  const file = path.join(await temporaryDir(t), 'a.json');
  await writeFile(file, 'not JSON');
  const keptAs = setAside(file, 'unreadable', new Date('2026-06-30T18:45:00.123Z'));
  assert.equal(keptAs, `${file}.unreadable-20260630T184500123Z`);
  assert.equal(await readFile(keptAs, 'utf8'), 'not JSON');
  await assert.rejects(stat(file), { code: 'ENOENT' });
});

/** Overwrites a file that is mounted by itself, and kills itself before the file operation of the given number. */
const OVERWRITE = `
import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
const [file, killAt] = [process.argv[1], Number(process.argv[2])];
const { writeAtomically } = await import('#shared/files/atomic-file.ts');
let count = 0;
const step = () => { if (++count === killAt) process.kill(process.pid, 'SIGKILL'); };
for (const call of ['open', 'rename', 'rm', 'readFile']) {
  const original = fsp[call];
  fsp[call] = async (...args) => {
    step();
    if (call === 'rename' && args[1] === file) throw Object.assign(new Error('mounted'), { code: 'EBUSY' });
    const result = await original.apply(fsp, args);
    if (call === 'open') for (const part of ['write', 'truncate', 'sync']) {
      const inner = result[part].bind(result);
      result[part] = (...more) => { step(); return inner(...more); };
    }
    return result;
  };
}
syncBuiltinESMExports();
await writeAtomically(file, 'new');
`;

it('a write in place that a kill interrupts is finished or never begun, and nothing of it is left', async (t) => {
  const seen = new Set<string>();
  for (let killAt = 1; ; killAt += 1) {
    const dir = await temporaryDir(t);
    const file = path.join(dir, 'config.yaml');
    await writeFile(file, 'the old text');
    const args = ['--input-type=module', '-e', OVERWRITE, file, String(killAt)];
    const { signal, status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.ok(signal === 'SIGKILL' || status === 0, stderr);
    const mounted = refuseFiles('EBUSY', ['rename'], /\.redo$/);
    await recoverFile(file);
    mounted.end();
    const text = await readFile(file, 'utf8');
    assert.ok(['the old text', 'new'].includes(text), `killed before operation ${killAt}: ${text}`);
    assert.deepEqual(await readdir(dir), ['config.yaml']);
    seen.add(text);
    if (status === 0) break;
  }
  assert.equal(seen.size, 2);
});
