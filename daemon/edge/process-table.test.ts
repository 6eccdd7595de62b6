import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { isAlive, processRef, signal } from './process-table.ts';

test('a reference names one process, not a later one with the same pid', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { argv0: 'a) name (' });
  await once(child, 'spawn');
  const ref = processRef(child.pid as number);
  assert.ok(isAlive(ref));
  assert.equal(isAlive({ ...ref, startTime: `${ref.startTime}0` }), false);
  signal({ ...ref, startTime: 'another' }, 'SIGKILL');
  assert.ok(isAlive(ref), 'no other process is signalled');
  signal(ref, 'SIGKILL');
  await once(child, 'exit');
  assert.equal(isAlive(ref), false);
  signal(ref, 'SIGTERM');
  assert.equal(processRef(child.pid as number), null);
  assert.equal(isAlive(null), false);
});
