import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { BUNDLE, BUNDLED_SDK, PACKAGE_ROOT } from '#daemon/platform/paths.ts';
import type { ProcessOptions } from './process-main/main.ts';

/** Entry module of a plugin's process. */
const PROGRAM =
  BUNDLE === null ? path.join(import.meta.dirname, 'process-main', 'main.ts') : path.join(BUNDLE, 'plugin-process.js');

/** What a plugin's process reads of StreamHub: the SDK, the libraries below it, and its own program. */
export const OWN_CODE: readonly string[] = (() => {
  const parts =
    BUNDLE === null
      ? ['shared/', 'daemon/plugins/', 'daemon/platform/net/']
      : [`${path.relative(PACKAGE_ROOT, BUNDLE)}/`];
  const own = ['package.json', ...parts].map((part) => path.join(PACKAGE_ROOT, part));
  for (let dir = PACKAGE_ROOT; ; dir = path.dirname(dir)) {
    own.push(path.join(dir, 'node_modules/'));
    if (dir === path.dirname(dir)) break;
  }
  return own
    .filter((place) => existsSync(place))
    .map((place) => realpathSync(place) + (place.endsWith('/') ? '/' : ''));
})();

/** Variables of the daemon's environment that a plugin's process keeps: nothing that could be secret. */
const KEPT_VARIABLES = ['TZ', 'LANG', 'LC_ALL', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'SystemRoot'];

/** Files that those variables name. */
export const OWN_FILES: readonly string[] = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'].flatMap((name) => {
  const place = process.env[name];
  return place !== undefined && path.isAbsolute(place) && existsSync(place) ? [place] : [];
});

export interface SandboxLimits {
  /** Resident memory, MiB; half of it is the JavaScript heap. */
  memoryMb: number;
}

/** The command line of a plugin's process. */
export function processCommand(
  options: Omit<ProcessOptions, 'sdk'>,
  readable: readonly string[],
  limits: SandboxLimits,
): string[] {
  return [
    // reads only these; no writing, child processes, workers, native code, WASI, inspector
    '--permission',
    ...[...OWN_CODE, ...readable].map((place) => `--allow-fs-read=${place}`),
    // the permission model does not cover SQLite's own file access
    '--no-experimental-sqlite',
    '--no-addons',
    '--disable-sigusr1',
    `--max-old-space-size=${Math.floor(limits.memoryMb / 2)}`,
    '--max-semi-space-size=8',
    '--disable-warning=ExperimentalWarning',
    '--disable-warning=SecurityWarning',
    PROGRAM,
    JSON.stringify({ ...options, sdk: BUNDLED_SDK } satisfies ProcessOptions),
  ];
}

export function processEnvironment(): Record<string, string> {
  const kept = KEPT_VARIABLES.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    // what wraps the process is found here; and nothing is a home
    PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: path.parse(process.execPath).root,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    AWS_EC2_METADATA_DISABLED: 'true',
    NODE_USE_SYSTEM_CA: '1',
  };
}
