import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { until } from './until.ts';

const ROOT = '/sys/fs/cgroup';
const PERIOD_US = 100_000;

/**
 * Makes a real control group with limits, of version 2 or 1; it ends with the test, and so does what is in it.
 * @returns the files `cgroup.procs` by which a process enters it, or why there can be none
 */
export function controlGroup(
  t: { after(fn: () => unknown): void },
  { memory, cores }: { memory: number; cores: number },
): string[] | string {
  const name = `streamhub-test-${process.pid}`;
  const isUnified = existsSync(path.join(ROOT, 'cgroup.controllers'));
  const quota = cores * PERIOD_US;
  const wanted: [string, Record<string, string>][] = isUnified
    ? [['', { 'memory.max': String(memory), 'cpu.max': `${quota} ${PERIOD_US}` }]]
    : [
        ['memory', { 'memory.limit_in_bytes': String(memory) }],
        ['cpu', { 'cpu.cfs_period_us': String(PERIOD_US), 'cpu.cfs_quota_us': String(quota) }],
      ];
  const made: string[] = [];
  t.after(async () => {
    for (const folder of made) {
      await until(`${folder} is empty`, () => {
        const pids = readFileSync(path.join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean);
        for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
        return pids.length === 0;
      });
      rmdirSync(folder);
    }
  });
  try {
    for (const [controller, files] of wanted) {
      const parent = path.join(ROOT, controller);
      const folder = path.join(parent, name);
      accessSync(parent, constants.W_OK);
      mkdirSync(folder);
      made.push(folder);
      for (const [file, value] of Object.entries(files)) writeFileSync(path.join(folder, file), value);
    }
  } catch (error) {
    return `no control group can be made here: ${(error as NodeJS.ErrnoException).code}`;
  }
  return made.map((folder) => path.join(folder, 'cgroup.procs'));
}
