import os from 'node:os';
import path from 'node:path';
import type { InstallationWarning } from '#shared/schema/settings.ts';
import { type EnvFile, EnvFileError, readEnvFile } from './env-file.ts';
import { parseRange } from './net/addresses.ts';
import { type Definition, SETTINGS, type SettingKey } from './settings-table.ts';
import { settingsWarnings } from './settings-warnings.ts';

type ValueOf<D> = D extends { type: 'int' }
  ? number
  : D extends { type: 'flag' }
    ? boolean
    : D extends { type: 'addresses' }
      ? readonly string[]
      : D extends { type: 'enum'; values: readonly (infer V)[] }
        ? V
        : string;

/** Where a value came from; later ones win. */
type Origin = 'default' | 'file' | 'environment' | 'flag';

export type SettingValues = { readonly [K in SettingKey]: ValueOf<(typeof SETTINGS)[K]> };

export interface Settings extends SettingValues {
  /** The env file that was read, or would be: `<DATA_DIR>/streamhub.env` by default. */
  readonly envFile: string;
  readonly origins: Readonly<Record<SettingKey, Origin>>;
  /** `APP_<SLUG>_…` variables of the environment and the env file: an app's credentials that win over the stored ones. */
  readonly appSecrets: Readonly<Record<string, string>>;
  /** Warnings about the env file and the environment; the daemon starts anyway. */
  readonly warnings: readonly InstallationWarning[];
}

/** Thrown for invalid settings, with one line for each. Values are never quoted, because one could be a secret. */
export class SettingsError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

export interface SettingSources {
  env?: Record<string, string | undefined>;
  /** Flag name → text, e.g. `{ port: '0' }`. */
  flags?: Record<string, string | undefined>;
}

/** Reads all settings once: defaults, then the env file, then the environment, then flags. */
export function loadSettings({ env = {}, flags = {} }: SettingSources): Settings {
  const dataDir = path.resolve(flags['data-dir'] || env['DATA_DIR'] || defaultDataDir(env));
  const explicitFile = flags['env-file'] || env['STREAMHUB_ENV_FILE'];
  const envFile = path.resolve(explicitFile || path.join(dataDir, 'streamhub.env'));
  const problems: string[] = [];
  const source = openEnvFile(envFile, explicitFile !== undefined, problems);
  const file = source.values;

  const values: Record<string, unknown> = {};
  const origins: Record<string, Origin> = {};
  for (const [key, definition] of Object.entries(SETTINGS) as [SettingKey, Definition][]) {
    const sources: [Origin, string | undefined, string][] = [
      ['flag', definition.flag ? flags[definition.flag] : undefined, `flag --${definition.flag}`],
      ['environment', env[definition.env], `environment variable ${definition.env}`],
      ['file', file[definition.env], `${definition.env} in ${envFile}`],
    ];
    const found = sources.find(([, text]) => text !== undefined && text !== '');
    origins[key] = found?.[0] ?? 'default';
    if (found === undefined) values[key] = definition.default;
    else {
      const result = parse(definition, found[1] as string);
      if ('problem' in result) problems.push(`${found[2]} ${result.problem}`);
      else values[key] = result.value;
    }
  }
  if (file['DATA_DIR'] && origins['dataDir'] === 'file') {
    problems.push(`DATA_DIR in ${envFile} cannot be set there: the file is looked for inside it`);
  }
  values['dataDir'] = dataDir;
  if (problems.length > 0) throw new SettingsError(problems);
  if ((values['authRateLimitMax'] as number) <= 0) values['authRateLimitMax'] = SETTINGS.authRateLimitMax.default;
  if ((values['logRetentionDays'] as number) < 0) values['logRetentionDays'] = 0;
  return Object.freeze({
    ...(values as SettingValues),
    envFile,
    origins: origins as Record<SettingKey, Origin>,
    appSecrets: appSecrets([...Object.entries(file), ...Object.entries(env)]),
    warnings: settingsWarnings(envFile, source, env),
  });
}

/** `<base>/streamhub` below the place where the system keeps a user's state. */
export function defaultDataDir(env: Record<string, string | undefined>): string {
  const home = env['HOME'] || os.homedir();
  if (process.platform === 'darwin') return path.join(home, 'Library', 'Application Support', 'StreamHub', 'daemon');
  if (process.platform === 'win32')
    return path.join(env['LOCALAPPDATA'] || path.join(home, 'AppData', 'Local'), 'StreamHub', 'daemon');
  return path.join(env['XDG_STATE_HOME'] || path.join(home, '.local', 'state'), 'streamhub');
}

/** The daemon's public base URL without a trailing slash, or null: PUBLIC_BASE_URL first, then STREAMHUB_PUBLIC_URL. */
export function publicBase(settings: SettingValues): string | null {
  const base = settings.publicBaseUrl || settings.streamhubPublicUrl;
  return base === '' ? null : base.replace(/\/+$/, '');
}

function appSecrets(variables: [string, string | undefined][]): Record<string, string> {
  const names = variables.filter(
    (entry): entry is [string, string] => /^APP_[A-Z0-9_]+$/.test(entry[0]) && Boolean(entry[1]),
  );
  return Object.freeze(Object.fromEntries(names));
}

function openEnvFile(file: string, required: boolean, problems: string[]): EnvFile {
  try {
    return readEnvFile(file, required);
  } catch (error) {
    if (!(error instanceof EnvFileError)) throw error;
    problems.push(`the env file ${file} ${error.message}`);
    return { values: {}, remarks: [], isShared: false };
  }
}

function parse(definition: Definition, text: string): { value: unknown } | { problem: string } {
  switch (definition.type) {
    case 'string': {
      const value = definition.secret && !definition.verbatim ? text.trim() : text;
      if (definition.pattern?.test(value) === false) return { problem: `must be ${definition.hint}` };
      return { value };
    }
    case 'url': {
      const scheme = URL.parse(text.trim())?.protocol.slice(0, -1);
      if (scheme !== undefined && definition.schemes.includes(scheme)) return { value: text.trim() };
      return {
        problem: `must be an address that begins with ${definition.schemes.map((s) => `${s}://`).join(' or ')}`,
      };
    }
    case 'int': {
      const value = Number(text);
      if (!/^-?\d+$/.test(text.trim()) || value < definition.min || value > definition.max) {
        return { problem: `must be a whole number from ${definition.min} to ${definition.max}` };
      }
      return { value };
    }
    case 'flag': {
      const word = text.trim().toLowerCase();
      if (['1', 'true', 'on', 'yes'].includes(word)) return { value: true };
      if (['0', 'false', 'off', 'no'].includes(word)) return { value: false };
      return { problem: 'must be one of 1, true, on, yes, 0, false, off, no' };
    }
    case 'enum': {
      const word = text.trim().toLowerCase();
      if (definition.values.includes(word)) return { value: word };
      if (definition.junk !== undefined) return { value: definition.junk };
      return { problem: `must be one of ${definition.values.join(', ')}` };
    }
    case 'addresses': {
      const value = text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');
      const wrong = value.findIndex((part) => parseRange(part) === undefined);
      if (wrong >= 0) return { problem: `must list addresses and CIDR ranges; entry ${wrong + 1} is neither` };
      return { value };
    }
  }
}
