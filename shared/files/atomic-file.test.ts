import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { temporaryDir } from '#test/helpers/daemon.ts';
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
