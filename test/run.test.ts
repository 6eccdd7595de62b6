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

async function runnerOn(t: test.TestContext, files: Record<string, string>) {
  const root = await temporaryDir(t);
  await mkdir(path.join(root, 'test'));
  for (const [name, text] of Object.entries(files))
    await writeFile(
      path.join(root, `test/${name}.test.ts`),
      `import assert from 'node:assert'; import { existsSync, writeFileSync } from 'node:fs'; import { describe, test } from 'node:test';
       const isFirst = !existsSync(import.meta.filename + '.was'); writeFileSync(import.meta.filename + '.was', ''); ${text}`,
    );
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ['test/run.mjs', `--root=${root}`, '--test-timeout=3000', '--test-reporter=dot'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, env, encoding: 'utf8' });
  const [, mended = ''] = stdout.split('passed only at the second try, its file alone:\n');
  const [, broken = ''] =
    stdout.split(mended)[0]?.split('failed, and its file failed again at the second try:\n') ?? [];
  return { status, mended, broken, stdout: stdout + stderr, root };
}

const namesOf = (lines: string) => (lines.match(/^ {2}\S.*$/gm) ?? []).map((line) => line.trim()).sort();

test('what failed by chance passes at the second try of its file, and the last lines name it with its error', async (t) => {
  const { status, mended, broken, stdout, root } = await runnerOn(t, BY_CHANCE);
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

test('what fails, is skipped or is missing at the second try fails the run, with both errors', async (t) => {
  const { status, mended, broken, stdout } = await runnerOn(t, { ...BROKEN, chance: BY_CHANCE.test });
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
