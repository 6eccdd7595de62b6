import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** For `test(name, { skip: noUnitAnalysis }, …)`. systemd 250 or newer looks at units that aren't installed. */
export const noUnitAnalysis =
  !/--offline/.test(spawnSync('systemd-analyze', ['--help'], { encoding: 'utf8' }).stdout ?? '') &&
  'there is no systemd-analyze here that looks at files';

/**
 * What systemd says about a unit for a whole machine. Its program needn't be there.
 * @returns the exposure, 0 (safe) to 10, and complaints about the file; empty = none
 */
export function analyseUnit(name: string, text: string): { exposure: number; complaints: string } {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'streamhub-unit-'));
  try {
    const file = path.join(dir, name);
    writeFileSync(file, text.replace(/^ExecStart=.*$/m, 'ExecStart=/bin/true').replace(/^Documentation=.*\n/m, ''));
    const analyse = (...args: string[]) => spawnSync('systemd-analyze', [...args, file], { encoding: 'utf8' });
    const security = analyse('security', '--offline=true', '--no-pager');
    const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(security.stdout)?.[1] ?? Number.NaN);
    const verified = analyse('verify', '--man=no', '--recursive-errors=no');
    return { exposure, complaints: verified.stdout + verified.stderr };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
