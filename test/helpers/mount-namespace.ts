import { execFile, execFileSync } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT, temporaryDir } from './daemon.ts';

const run = promisify(execFile);
const NAMESPACE = ['--user', '--map-root-user', '--mount'];

/** Why this machine can't mount in a namespace, or false: for `skip`. */
export function noMountNamespace(): string | false {
  try {
    execFileSync('unshare', [...NAMESPACE, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'this machine allows no mount namespaces (unshare --user --mount)';
  }
}

/** Runs a script of `test/helpers` where it can mount. @returns the JSON in its last line */
export async function runInMountNamespace(t: { after(fn: () => unknown): void }, script: string): Promise<any> {
  const file = path.join(ROOT, 'test/helpers', script);
  const dir = await temporaryDir(t);
  const { stdout } = await run('unshare', [...NAMESPACE, process.execPath, file, dir], { cwd: ROOT });
  return JSON.parse(stdout.trim().split('\n').at(-1) as string);
}
