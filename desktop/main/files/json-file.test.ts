import assert from 'node:assert/strict';
import fs from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { Type } from 'typebox';
import { refuseFiles } from '#test/helpers/fs-faults.ts';
import { JsonFile } from './json-file.ts';

interface Names {
  names: string[];
}

async function subject(t: TestContext, version = 2) {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-json-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const file = path.join(dir, 'deep', 'names.json');
  const make = () =>
    new JsonFile<Names>({
      file,
      version,
      upgrades: { 1: (old: string[]) => ({ names: old }) },
      schema: Type.Object({ names: Type.Array(Type.String()) }),
      empty: () => ({ names: [] }),
    });
  return { file, dir: path.dirname(file), make };
}

test('what was written is read again, by the owner only, with nothing left beside it', async (t) => {
  const { file, dir, make } = await subject(t);
  assert.deepEqual(await make().read(), { value: { names: [] }, problem: null });
  await make().write({ names: ['ä', 'b'] });
  assert.deepEqual(await make().read(), { value: { names: ['ä', 'b'] }, problem: null });
  assert.deepEqual(await readdir(dir), ['names.json']);
  if (process.platform !== 'win32') assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test('what a kill in the middle of a write left is gone after the next read', async (t) => {
  const { dir, make } = await subject(t);
  await make().write({ names: ['a'] });
  await writeFile(path.join(dir, '.names.json.0123456789ab.tmp'), 'half');
  await make().read();
  assert.deepEqual(await readdir(dir), ['names.json']);
});

test('many writes at once end with the newest value', async (t) => {
  const { make } = await subject(t);
  const file = make();
  await Promise.all(Array.from({ length: 50 }, (_, i) => file.write({ names: [String(i)] })));
  assert.deepEqual((await make().read()).value, { names: ['49'] });
});

test('an older format is upgraded', async (t) => {
  const { file, make } = await subject(t);
  await make().write({ names: [] });
  await writeFile(file, '{"version":1,"data":["x"]}');
  assert.deepEqual((await make().read()).value, { names: ['x'] });
});

test('what cannot be read is kept aside and reported, and writing goes on', async (t) => {
  const { file, make } = await subject(t);
  await make().write({ names: ['a'] });
  const broken = [
    '',
    '{"version":2,"data":{"names":["a"',
    'null',
    '{"version":9,"data":{}}',
    '{"version":2,"data":{"names":[1]}}',
  ];
  for (const text of broken) {
    await writeFile(file, text);
    const { value, problem } = await make().read();
    assert.deepEqual(value, { names: [] });
    assert.ok(problem?.keptAs, text);
    assert.equal(await readFile(problem.keptAs, 'utf8'), text);
    await rm(problem.keptAs);
  }
  await make().write({ names: ['again'] });
  assert.deepEqual((await make().read()).value, { names: ['again'] });
});

test('a file that may not be read is kept aside, too; one that cannot be moved is never overwritten', async (t) => {
  const { dir, make } = await subject(t);
  await make().write({ names: ['a'] });
  const refused = refuseFiles('EACCES', ['readFile'], /names\.json$/);
  const { value, problem } = await make().read();
  refused.end();
  assert.deepEqual(value, { names: [] });
  assert.match(problem?.message ?? '', /set aside: EACCES/);
  assert.match(await readFile(problem?.keptAs ?? '', 'utf8'), /"a"/);

  await make().write({ names: ['b'] });
  const again = refuseFiles('EACCES', ['readFile'], /names\.json$/);
  t.mock.method(fs, 'renameSync', () => {
    throw new Error('EPERM: refused by the test');
  });
  syncBuiltinESMExports();
  const stuck = make();
  assert.deepEqual((await stuck.read()).problem?.keptAs, null);
  t.mock.restoreAll();
  syncBuiltinESMExports();
  again.end();
  await assert.rejects(stuck.write({ names: ['c'] }), { code: 'FILE_UNWRITABLE' });
  assert.deepEqual((await stuck.read()).value, { names: ['b'] });
  await stuck.write({ names: ['d'] });
  assert.equal((await readdir(dir)).length, 2);
});

test('a folder in the way is a clear failure and later writes work', async (t) => {
  const { file, make } = await subject(t);
  await make().write({ names: [] });
  await rm(file);
  await (await import('node:fs/promises')).mkdir(path.join(file, 'x'), { recursive: true });
  const subjectFile = make();
  await assert.rejects(subjectFile.write({ names: ['a'] }), { code: 'FILE_UNWRITABLE' });
  assert.ok((await make().read()).problem);
  await subjectFile.write({ names: ['b'] });
  assert.deepEqual((await make().read()).value, { names: ['b'] });
});
