import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { failure } from '#shared/ipc/outcome.ts';
import type { TerminalCommand } from '#shared/ipc/terminal.ts';

export interface Program {
  file: string;
  args: string[];
  title: string;
}

/** Variables of this app and of its runtime that are no business of a shell, credentials among them. */
const PRIVATE = /^(STREAMHUB_|ELECTRON_|NODE_|npm_|CHROME_|VITE_)/i;

/** The program behind a command. @throws TERMINAL_UNAVAILABLE: a terminal would only show an exit code */
export function programOf(command: TerminalCommand, platform: NodeJS.Platform, env: NodeJS.ProcessEnv): Program {
  if (command.kind === 'shell') return shell(platform, env);
  const file = findProgram('ssh', platform, env);
  if (file === undefined)
    throw failure(
      'TERMINAL_UNAVAILABLE',
      { reason: 'there is no ssh on this machine' },
      { hint: 'Install OpenSSH’s client, or open a shell.' },
    );
  const host = command.host.replace(/^\[|\]$/g, '');
  const target = command.user === undefined ? host : `${command.user}@${host}`;
  const port = command.port === undefined ? [] : ['-p', String(command.port)];
  return { file, args: [...port, '--', target], title: `ssh ${target}` };
}

function shell(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): Program {
  const wanted =
    platform === 'win32'
      ? ['pwsh.exe', 'powershell.exe', env['ComSpec'] ?? 'cmd.exe']
      : [env['SHELL'] ?? '', '/bin/bash', '/bin/sh'];
  for (const name of wanted) {
    const file = name === '' ? undefined : findProgram(name, platform, env);
    if (file !== undefined)
      return { file, args: platform === 'darwin' ? ['-l'] : [], title: path.basename(file).replace(/\.exe$/i, '') };
  }
  throw failure('TERMINAL_UNAVAILABLE', { reason: 'no shell was found' });
}

function findProgram(name: string, platform: NodeJS.Platform, env: NodeJS.ProcessEnv): string | undefined {
  const isWindows = platform === 'win32';
  const names = isWindows && !/\.\w+$/.test(name) ? [`${name}.exe`, `${name}.cmd`] : [name];
  const folders = path.isAbsolute(name) ? [''] : (env['PATH'] ?? env['Path'] ?? '').split(path.delimiter);
  for (const folder of folders) {
    for (const candidate of names) {
      const file = folder === '' ? candidate : path.join(folder, candidate);
      if (!path.isAbsolute(file)) continue;
      try {
        accessSync(file, isWindows ? constants.F_OK : constants.X_OK);
        return file;
      } catch {}
    }
  }
  return undefined;
}

/** The person's own environment, without what belongs to this app. */
export function terminalEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && !PRIVATE.test(name)) result[name] = value;
  return { ...result, TERM: 'xterm-256color', COLORTERM: 'truecolor', TERM_PROGRAM: 'StreamHub' };
}
