import { access, constants, readFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * Finds programs on PATH, as a shell would.
 * @returns the absolute path, or undefined when this machine lacks it
 */
export async function findProgram(name: string): Promise<string | undefined> {
  const extensions = process.platform === 'win32' ? ['.exe'] : [''];
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    for (const extension of folder === '' ? [] : extensions) {
      const file = path.join(folder, name + extension);
      const isThere = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isThere) return file;
    }
  }
  return undefined;
}

/** Package managers by the ids of /etc/os-release. */
const MANAGERS: readonly (readonly [ids: RegExp, command: string])[] = [
  [/\b(?:debian|ubuntu)\b/, 'sudo apt-get install'],
  [/\b(?:fedora|rhel|centos)\b/, 'sudo dnf install'],
  [/\balpine\b/, 'sudo apk add'],
  [/\barch\b/, 'sudo pacman -S'],
  [/\bsuse\b/, 'sudo zypper install'],
];

/** The command that installs a package on this machine. */
export async function installHint(name: string): Promise<string> {
  if (process.platform === 'darwin') return `brew install ${name}`;
  if (process.platform === 'win32') return `winget install ${name}`;
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const ids = [...release.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)/gm)].map(([, id]) => id).join(' ');
  const [, command] = MANAGERS.find(([known]) => known.test(ids)) ?? [null, 'sudo apt-get install'];
  return `${command} ${name}`;
}
