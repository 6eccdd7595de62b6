import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';

/** What a script below `test/servers` prints when it starts a server. Waits with all else: what a test file needs must be there before its tests are named. */
export function startScript(
  script: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  return valuesIn(
    execFileSync(script, args, { encoding: 'utf8', timeout: 1_800_000, env, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
}

/** `NAME=value` lines that a script below `test/servers` prints. */
export function valuesIn(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

/** Where a program is on this machine, without waiting: tests are named by it. */
export const programHere = (name: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .map((folder) => path.join(folder, name))
    .find((file) => existsSync(file));

/** The last line of what a script that failed has printed. */
export const reasonOf = (error: unknown): string =>
  String((error as { stderr?: string }).stderr ?? error)
    .trim()
    .split('\n')
    .at(-1) ?? '';

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
