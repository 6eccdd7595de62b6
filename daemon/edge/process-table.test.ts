import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { isAlive, markOf, signal } from './process-table.ts';

test('a mark is of one process and not of a later one of the same number', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { argv0: 'a) name (' });
  await once(child, 'spawn');
  const mark = markOf(child.pid as number);
  assert.ok(isAlive(mark));
  assert.equal(isAlive({ ...mark, startTime: `${mark.startTime}0` }), false);
  signal({ ...mark, startTime: 'another' }, 'SIGKILL');
  assert.ok(isAlive(mark), 'a stranger is not signalled');
  signal(mark, 'SIGKILL');
  await once(child, 'exit');
  assert.equal(isAlive(mark), false);
  signal(mark, 'SIGTERM');
  assert.equal(markOf(child.pid as number), null);
  assert.equal(isAlive(null), false);
});
