import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { CapacityMeter } from './host-capacity.ts';

const GIB = 2 ** 30;
const HOST = { cores: 64, memTotal: 256 * GIB, memFree: 200 * GIB, loadavg: [30, 20, 10], times: { idle: 0, all: 0 } };

/** A file system with these control groups. */
function tree(t: TestContext, files: Record<string, string>) {
  const root = mkdtempSync(path.join(os.tmpdir(), 'streamhub-cgroup-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const write = (more: Record<string, string>) => {
    for (const [name, text] of Object.entries(more)) {
      const file = path.join(root, name.startsWith('proc') ? name : `sys/fs/cgroup/${name}`);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, `${text}\n`);
    }
  };
  write(files);
  let now = 0;
  const host = structuredClone(HOST);
  const meter = new CapacityMeter({ root, host: () => structuredClone(host), now: () => now });
  return { meter, host, write, pass: (ms: number) => (now += ms) };
}

test('without control groups the machine counts', (t) => {
  const { meter, host } = tree(t, {});
  host.times = { idle: 7500, all: 10_000 };
  assert.deepEqual(meter.read(), {
    cores: 64,
    memTotal: 256 * GIB,
    memFree: 200 * GIB,
    loadavg: [30, 20, 10],
    cpu: 0.25,
  });
});

test('cgroup v2, as a container sees it: quota, memory without its cache, and the group’s own processor time', (t) => {
  const { meter, write, pass } = tree(t, {
    'proc/self/cgroup': '0::/',
    'memory.max': String(2 * GIB),
    'memory.current': String(1.5 * GIB),
    'memory.stat': `anon 5\ninactive_file ${0.5 * GIB}`,
    'cpu.max': '150000 100000',
    'cpu.stat': 'usage_usec 0\nuser_usec 0',
  });
  const first = meter.read();
  assert.deepEqual([first.cores, first.memTotal, first.memFree, first.cpu], [1.5, 2 * GIB, GIB, null]);
  pass(2000);
  write({ 'cpu.stat': 'usage_usec 2400000' });
  const { cpu, loadavg } = meter.read();
  assert.equal(cpu, 0.8, '2.4 s of processor time in 2 s on 1.5 cores');
  assert.ok(
    loadavg.every((load) => Math.abs(load - 1.2) < 1e-9),
    'not the load of the whole machine',
  );
});

test('nested groups of v2: the tightest limit up the tree, each of its own kind', (t) => {
  const { meter } = tree(t, {
    'proc/self/cgroup': '0::/system.slice/streamhub.service',
    'system.slice/streamhub.service/memory.max': 'max',
    'system.slice/streamhub.service/cpu.max': 'max 100000',
    'system.slice/memory.max': String(4 * GIB),
    'system.slice/memory.current': String(4 * GIB),
    'system.slice/cpu.max': '200000 100000',
    'system.slice/cpu.stat': 'usage_usec 1',
  });
  const { cores, memTotal, memFree } = meter.read();
  assert.deepEqual([cores, memTotal, memFree], [2, 4 * GIB, 0]);
});

test('cgroup v1, with the host’s name of the container’s group', (t) => {
  const { meter } = tree(t, {
    'proc/self/cgroup': '9:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/docker/abc',
    'memory/memory.limit_in_bytes': String(GIB),
    'memory/memory.usage_in_bytes': String(GIB / 2),
    'memory/memory.stat': 'total_inactive_file 0',
    'cpu,cpuacct/cpu.cfs_quota_us': '50000',
    'cpu,cpuacct/cpu.cfs_period_us': '100000',
    'cpu,cpuacct/cpuacct.usage': '0',
  });
  const { cores, memTotal, memFree } = meter.read();
  assert.deepEqual([cores, memTotal, memFree], [0.5, GIB, GIB / 2]);
});

test('cgroup v1 with the accounting mounted apart from the quotas', (t) => {
  const { meter, write, pass } = tree(t, {
    'proc/self/cgroup': '4:cpuacct:/daemon\n3:cpu:/daemon\n0::/',
    'cpu/daemon/cpu.cfs_quota_us': '50000',
    'cpu/daemon/cpu.cfs_period_us': '100000',
    'cpuacct/daemon/cpuacct.usage': '0',
  });
  meter.read();
  pass(2000);
  write({ 'cpuacct/daemon/cpuacct.usage': String(0.5e9) });
  const { cores, cpu } = meter.read();
  assert.deepEqual([cores, cpu], [0.5, 0.5], 'half a second of processor time in 2 s on half a core');
});

test('limits above the machine, and none, change nothing', (t) => {
  const { meter, host } = tree(t, {
    'proc/self/cgroup': '3:memory:/\n2:cpu,cpuacct:/\n0::/',
    'memory/memory.limit_in_bytes': '9223372036854771712',
    'memory/memory.usage_in_bytes': '1',
    'cpu,cpuacct/cpu.cfs_quota_us': '-1',
    'cpu,cpuacct/cpu.cfs_period_us': '100000',
    'memory.max': String(1024 * GIB),
    'memory.current': '0',
    'cpu.max': '12800000 100000',
  });
  host.times = { idle: 5000, all: 10_000 };
  const { cores, memTotal, memFree, cpu } = meter.read();
  assert.deepEqual([cores, memTotal, memFree, cpu], [64, 256 * GIB, 200 * GIB, 0.5]);
});

test('this machine', () => {
  const { cores, memTotal, memFree, loadavg } = new CapacityMeter().read();
  assert.ok(cores > 0 && cores <= os.cpus().length);
  assert.ok(memFree > 0 && memFree <= memTotal && memTotal <= os.totalmem());
  assert.equal(loadavg.length, 3);
});
