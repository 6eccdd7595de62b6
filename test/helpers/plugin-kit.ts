import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { BIN, ROOT } from './daemon.ts';

const run = promisify(execFile);

export interface Outcome {
  status: number;
  out: string;
  err: string;
}

/** Runs a program with this Node; never throws for its exit status. */
export async function node(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Outcome> {
  const kept = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:NODE_TEST|NODE_OPTIONS|npm_)/.test(name)),
  );
  try {
    const { stdout, stderr } = await run(process.execPath, args, {
      cwd,
      env: { ...kept, ...env },
      timeout: 120_000,
      maxBuffer: 10_000_000,
    });
    return { status: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (typeof code !== 'number') throw error;
    return { status: code, out: stdout, err: stderr };
  }
}

/** `streamhub plugin …` from the sources, or from an installed package. */
export const plugin = (cwd: string, args: readonly string[], bin = BIN): Promise<Outcome> =>
  node([bin, 'plugin', ...args], cwd);

/** Type-checks a plugin as its author's editor does, with what its own `npm install` would bring. */
export const typeCheck = (cwd: string): Promise<Outcome> =>
  node(
    [
      path.join(ROOT, 'node_modules/typescript/bin/tsc'),
      '-p',
      '.',
      '--typeRoots',
      path.join(ROOT, 'node_modules/@types'),
    ],
    cwd,
  );
