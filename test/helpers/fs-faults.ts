// Makes file operations of this process fail with an errno that a test machine cannot produce, such as EIO or EMFILE.
import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const CALLS = {
  access: 'access',
  copyFile: 'copyfile',
  cp: 'cp',
  mkdir: 'mkdir',
  open: 'open',
  readdir: 'scandir',
  readFile: 'open',
  realpath: 'realpath',
  rename: 'rename',
  rm: 'rm',
  stat: 'stat',
  writeFile: 'open',
} as const;
export type FsCall = keyof typeof CALLS;

/**
 * From now on these calls fail for the paths that match, in the promise API of `node:fs`.
 * @returns how often it struck, and the way to end it
 */
export function refuseFiles(errno: string, calls: readonly FsCall[], matches: RegExp): { hits(): number; end(): void } {
  const before = { ...fsp };
  let hits = 0;
  for (const call of calls) {
    const original = fsp[call] as (...args: unknown[]) => Promise<unknown>;
    (fsp as Record<string, unknown>)[call] = async (...args: unknown[]) => {
      const file = [args[0], args[1]].find((arg) => typeof arg === 'string' && matches.test(arg));
      if (file === undefined) return original.apply(fsp, args);
      hits += 1;
      const error = new Error(`${errno}: refused by the test, ${CALLS[call]} '${file}'`);
      throw Object.assign(error, { code: errno, errno: -1, syscall: CALLS[call], path: String(args[0]) });
    };
  }
  syncBuiltinESMExports();
  return {
    hits: () => hits,
    end: () => {
      Object.assign(fsp, before);
      syncBuiltinESMExports();
    },
  };
}
