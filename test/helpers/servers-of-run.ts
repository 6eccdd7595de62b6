// Servers that all files of a test run share. Who needs one first starts it; the run's own process ends it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const SERVERS = path.join(import.meta.dirname, '..', 'servers');

/** Lets the processes of this run share servers. They stop when this process ends. */
export function shareServers(): void {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'streamhub-servers-'));
  process.env['TEST_SERVERS'] = folder;
  // before the run's temporary files are removed
  process.prependOnceListener('exit', () => {
    for (const script of readdirSync(folder))
      spawnSync(path.join(SERVERS, script), ['stop', path.join(folder, script)]);
    rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
}

/** Folder of the run's server of a kind, which is a script below `test/servers`; none where a test file is not part of a run. */
export function serverOfRun(script: string): string | undefined {
  const folder = process.env['TEST_SERVERS'];
  return folder === undefined ? undefined : path.join(folder, script);
}
