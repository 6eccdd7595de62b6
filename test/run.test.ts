import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { ROOT, temporaryDir } from '#test/helpers/daemon.ts';

/** Files of tests that fail in different ways as long as the file beside them is not there, which each makes. */
const BY_CHANCE = {
  test: `test('fails', () => { if (isFirst) throw new Error('the first error'); });`,
  group: `describe('group', () => { test('inner', () => assert.ok(!isFirst, 'the first error')); test('fine', () => {}); });`,
  load: `if (isFirst) throw new Error('the first error'); test('fine', () => {});`,
  death: `test('fine', () => {}); test('dies', () => { if (isFirst) process.kill(process.pid, 'SIGKILL'); });`,
  hang: `test('hangs', () => isFirst ? new Promise((end) => setTimeout(end, 600_000).unref()) : undefined);`,
};
/** Files whose second try doesn't mend the first. */
const BROKEN = {
  always: `test('fails', () => assert.fail(isFirst ? 'the first error' : 'the second error'));`,
  turns: `test('fails', () => assert.ok(!isFirst)); test('fails later', () => assert.ok(isFirst));`,
  skips: `test('fails', { skip: !isFirst }, () => assert.fail('the first error'));`,
  gone: `if (isFirst) test('fails', () => assert.fail('the first error')); test('fine', () => {});`,
};

async function runnerOn(t: test.TestContext, files: Record<string, string>, options: readonly string[] = []) {
  const root = await temporaryDir(t);
  await mkdir(path.join(root, 'test'));
  for (const [name, text] of Object.entries(files))
    await writeFile(
      path.join(root, `test/${name}.test.ts`),
      `${/^\/\/.*\n/.exec(text)?.[0] ?? ''}import assert from 'node:assert'; import { existsSync, writeFileSync } from 'node:fs'; import { before, describe, test } from 'node:test';
       const isFirst = !existsSync(import.meta.filename + '.was'); writeFileSync(import.meta.filename + '.was', ''); ${text}`,
    );
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ['test/run.mjs', `--root=${root}`, '--test-timeout=3000', '--test-reporter=dot', ...options];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, env, encoding: 'utf8' });
  const [, mended = ''] = stdout.split('passed only at the second try, its file alone:\n');
  const [, broken = ''] =
    stdout.split(mended)[0]?.split('failed, and its file failed again at the second try:\n') ?? [];
  return { status, mended, broken, stdout: stdout + stderr, root };
}

/** A run of many files shares processes, one of a few has a process for each. */
const MODES = { separate: [], shared: ['--bundle'] };

const namesOf = (lines: string) => (lines.match(/^ {2}\S.*$/gm) ?? []).map((line) => line.trim()).sort();

for (const [mode, options] of Object.entries(MODES))
  test(`what failed by chance in ${mode} processes passes at the second try of its file, and the last lines name it with its error`, async (t) => {
    const { status, mended, broken, stdout, root } = await runnerOn(t, BY_CHANCE, options);
    assert.deepEqual([status, broken], [0, ''], stdout);
    assert.deepEqual(namesOf(mended), [
      'test/death.test.ts',
      'test/group.test.ts: inner',
      'test/hang.test.ts: hangs',
      'test/load.test.ts',
      'test/test.test.ts: fails',
    ]);
    assert.equal(
      mended.match(/first try: .*SIGKILL|first try: .*timed out|Error.*: the first error/g)?.length,
      5,
      mended,
    );
    assert.equal(mended.match(/second try: passed/g)?.length, 5);
    const durations = JSON.parse(await readFile(path.join(root, 'node_modules/.cache/test-durations.json'), 'utf8'));
    assert.ok('test/group.test.ts' in durations);
  });

for (const [mode, options] of Object.entries(MODES))
  test(`what fails in ${mode} processes, is skipped or is missing at the second try fails the run, with both errors`, async (t) => {
    const { status, mended, broken, stdout } = await runnerOn(t, { ...BROKEN, chance: BY_CHANCE.test }, options);
    assert.equal(status, 1, stdout);
    assert.deepEqual(namesOf(mended), ['test/chance.test.ts: fails']);
    assert.deepEqual(namesOf(broken), [
      'test/always.test.ts: fails',
      'test/gone.test.ts: fails',
      'test/skips.test.ts: fails',
      'test/turns.test.ts: fails',
      'test/turns.test.ts: fails later',
    ]);
    assert.match(broken, /first try: .*the first error.*second try: .*the second error/s);
    assert.equal(broken.match(/second try: did not run/g)?.length, 2);
  });

test('files share a process; one that fails or ends it takes none of the others along', async (t) => {
  const tells = `test('tells', () => console.log(process.pid + ' ran ' + import.meta.filename.at(-9)));`;
  const { status, broken, mended, stdout } = await runnerOn(
    t,
    {
      a: tells,
      b: `// own process: it says so\n${tells}`,
      c: `\nawait 1;\n${tells}`,
      d: `${tells} test('leaves an error', () => { if (isFirst) setTimeout(() => { globalThis.isThrown = true; throw new Error('too late'); }); });`,
      // the error before must have come: a killed process tells nothing more
      e: `test('dies', async () => { while (isFirst && !globalThis.isThrown) await new Promise(setImmediate); if (isFirst) process.kill(process.pid, 'SIGKILL'); });`,
      f: `before(() => { if (isFirst) throw new Error('in the hook'); }); test('fine', () => {});`,
      g: `test('hangs', () => isFirst && new Promise((end) => setTimeout(end, 600_000)));`,
      h: tells,
      i: `test('fine', () => {}); test('leaves', () => { if (isFirst) process.exit(0); });`,
      j: `test('fails', () => assert.ok(!isFirst));`,
      l: `// own process: it lives on\ntest('fine', () => { if (isFirst) setInterval(() => {}, 1000); });`,
      k: `test('dies after a failure elsewhere', () => { if (isFirst) process.kill(process.pid, 'SIGKILL'); });`,
    },
    ['--bundle', '--test-concurrency=1', '--test-reporter=spec'],
  );
  assert.deepEqual([status, broken], [0, ''], stdout);
  assert.deepEqual(namesOf(mended), [
    'test/d.test.ts',
    'test/e.test.ts',
    'test/f.test.ts',
    'test/f.test.ts: fine',
    'test/g.test.ts: hangs',
    'test/i.test.ts',
    'test/j.test.ts: fails',
    'test/k.test.ts',
    'test/l.test.ts',
  ]);
  assert.match(mended, /l\.test\.ts\n +first try: Error: its process did not end after its tests/);
  const processes = Object.fromEntries(
    [...stdout.matchAll(/(\d+) ran (\w)/g)].map(([, pid, file]) => [file, Number(pid)]),
  );
  assert.deepEqual(Object.keys(processes).sort(), ['a', 'b', 'c', 'd', 'h'], stdout);
  assert.equal(processes['a'], processes['d'], stdout);
  assert.equal(
    new Set(Object.values(processes)).size,
    4,
    'those that ask for it, and those after a death, have another',
  );
  assert.match(stdout, /^▶ test\/a\.test\.ts$/m);
});
