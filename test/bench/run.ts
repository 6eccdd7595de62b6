// npm run bench [-- NAME…]: runs the cases of test/bench/cases and prints one table. Ratios compare with a bare Fastify
// route on the same machine in the same run; BENCH_SECONDS and BENCH_ROUNDS set how long each measurement takes.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '#test/helpers/daemon.ts';
import { type BenchCase, createBench, type Figure } from './harness.ts';

spawnSync(process.execPath, [path.join(ROOT, 'build/build-daemon.mjs')], { stdio: 'inherit' });
const wanted = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
const files = globSync('test/bench/cases/*.ts', { cwd: ROOT }).sort();
let missed = 0;
for (const file of files) {
  const bench = ((await import(path.join(ROOT, file))) as { default: BenchCase }).default;
  if (wanted.length > 0 && !wanted.some((name) => bench.name.includes(name))) continue;
  const { bench: context, close } = createBench();
  try {
    for (const figure of await bench.run(context)) report(bench.name, figure);
  } catch (error) {
    missed += 1;
    process.stdout.write(`${bench.name.padEnd(12)} failed: ${(error as Error).message}\n`);
  } finally {
    await close();
  }
}
process.exitCode = missed > 0 ? 1 : 0;

function report(name: string, { what, value, unit, target }: Figure): void {
  const isRatio = unit.startsWith('× ') || unit === '/s';
  const met = target === undefined ? '' : (isRatio ? value >= target : value <= target) ? 'met' : 'MISSED';
  if (met === 'MISSED') missed += 1;
  const number = value.toFixed(value < 10 ? 2 : 0).padStart(8);
  const goal = target === undefined ? '' : `${isRatio ? '≥' : '≤'} ${target}`;
  process.stdout.write(`${name.padEnd(12)} ${what.padEnd(64)} ${number} ${unit.padEnd(8)} ${goal.padEnd(8)} ${met}\n`);
}
