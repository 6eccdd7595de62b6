// The daemon inside of a real control group, as in a container or a unit with limits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { controlGroup } from '#test/helpers/control-group.ts';
import { daemonProcess, temporaryDir } from '#test/helpers/daemon.ts';

const MEMORY = 700 * 2 ** 20;
const CORES = 0.9;

test('the limits of the control group are what the daemon says of the machine', async (t) => {
  const groups = controlGroup(t, { memory: MEMORY, cores: CORES });
  if (typeof groups === 'string') return t.skip(groups);
  const { api } = await daemonProcess(t, await temporaryDir(t), {}, [], undefined, undefined, groups);
  const { cpu, memory } = (await api.get('/stats')).body;
  assert.equal(cpu.cores, CORES);
  assert.equal(memory.totalBytes, MEMORY);
  assert.ok(memory.usedBytes > 20 * 2 ** 20 && memory.freeBytes > 0, JSON.stringify(memory));
  assert.equal(memory.usedBytes + memory.freeBytes, MEMORY);
});
