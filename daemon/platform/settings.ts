import os from 'node:os';
import path from 'node:path';
import type { InstallationWarning } from '#shared/schema/settings.ts';
import { publicAddress } from '#shared/secrets.ts';
import { type EnvFile, EnvFileError, readEnvFile } from './env-file.ts';
import { parseRange } from './net/addresses.ts';
import { type Definition, isHidden } from './setting-types.ts';
import { SettingsError } from './settings-error.ts';
import { SETTINGS, type SettingKey } from './settings-table.ts';
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
type Origin = 'default' | 'stored' | 'managed' | 'file' | 'environment' | 'flag';

export type SettingValues = { readonly [K in SettingKey]: ValueOf<(typeof SETTINGS)[K]> };

/**
 * The active settings. A value that is stored while the daemon runs is seen by the next reader, so read them when they are
 * used and don't keep copies; what has to be made again after a change listens with `onChange`.
 */
export interface Settings extends SettingValues {
  /** The env file that was read, or would be: `<DATA_DIR>/streamhub.env` by default. */
  readonly envFile: string;
  readonly origins: Readonly<Record<SettingKey, Origin>>;
  /** `APP_<SLUG>_…` variables of the environment and the env file: an app's credentials that win over the stored ones. */
  readonly appSecrets: Readonly<Record<string, string>>;
  /** Warnings about the env file and the environment; the daemon starts anyway. */
  readonly warnings: readonly InstallationWarning[];
  /** Calls the listener after one of these settings got another value. @returns the end of it */
  onChange(keys: readonly SettingKey[], listener: () => void): () => void;
  /**
   * For `SettingsStore` alone: takes these as the stored values, in place of the former ones. The env file, the environment
   * and flags take precedence. @param isStart settings that need a restart change, too
   * @param managed values of the LiveKit that the daemon runs; they take precedence over stored ones
   */
  adoptStored(
    stored: ReadonlyMap<SettingKey, unknown>,
    isStart: boolean,
    managed: ReadonlyMap<SettingKey, unknown>,
  ): void;
}

export interface SettingSources {
  env?: Record<string, string | undefined>;
  /** Flag name → text, e.g. `{ port: '0' }`. */
  flags?: Record<string, string | undefined>;
}

/** Reads all settings: defaults, then the env file, then the environment, then flags. */
export function loadSettings({ env = {}, flags = {} }: SettingSources): Settings {
  const dataDir = path.resolve(flags['data-dir'] || env['DATA_DIR'] || defaultDataDir(env));
  const explicitFile = flags['env-file'] || env['STREAMHUB_ENV_FILE'];
  const envFile = path.resolve(explicitFile || path.join(dataDir, 'streamhub.env'));
  const problems: string[] = [];
  const source = openEnvFile(envFile, explicitFile !== undefined, problems);
  const file = source.values;

  const values = {} as Record<SettingKey, unknown>;
  const origins = {} as Record<SettingKey, Origin>;
  for (const [key, definition] of DEFINITIONS) {
    const sources: [Origin, string | undefined, string][] = [
      ['flag', definition.flag ? flags[definition.flag] : undefined, `flag --${definition.flag}`],
      ['environment', env[definition.env], `environment variable ${definition.env}`],
      ['file', file[definition.env], `${definition.env} in ${envFile}`],
    ];
    const found = sources.find(([, text]) => text !== undefined && text !== '');
    origins[key] = found?.[0] ?? 'default';
    if (found === undefined) values[key] = definition.default;
    else {
      const result = parseSetting(key, found[1] as string);
      if ('problem' in result) problems.push(`${found[2]} ${result.problem}`);
      else values[key] = result.value;
    }
  }
  if (file['DATA_DIR'] && origins.dataDir === 'file') {
    problems.push(`DATA_DIR in ${envFile} cannot be set there: the file is looked for inside it`);
  }
  values.dataDir = dataDir;
  if ((values.tlsCert === '') !== (values.tlsKey === ''))
    problems.push(
      `${values.tlsCert === '' ? 'TLS_CERT' : 'TLS_KEY'} is missing: HTTPS needs both TLS_CERT and TLS_KEY`,
    );
  if (problems.length > 0) throw new SettingsError(problems);
  return liveSettings(values, origins, {
    envFile,
    appSecrets: appSecrets([...Object.entries(file), ...Object.entries(env)]),
    warnings: settingsWarnings(envFile, source, env),
  });
}

const DEFINITIONS = Object.entries(SETTINGS) as [SettingKey, Definition][];

/** An object whose properties show the active values. */
function liveSettings(
  values: Record<SettingKey, unknown>,
  origins: Record<SettingKey, Origin>,
  facts: Pick<Settings, 'envFile' | 'appSecrets' | 'warnings'>,
): Settings {
  const listeners = new Set<{ keys: readonly SettingKey[]; listener: () => void }>();
  const settings = {
    ...facts,
    origins,
    onChange(keys: readonly SettingKey[], listener: () => void) {
      const entry = { keys, listener };
      listeners.add(entry);
      return () => {
        listeners.delete(entry);
      };
    },
    adoptStored(stored: ReadonlyMap<SettingKey, unknown>, isStart: boolean, managed: ReadonlyMap<SettingKey, unknown>) {
      const changed = new Set<SettingKey>();
      for (const [key, definition] of DEFINITIONS) {
        if (!['default', 'stored', 'managed'].includes(origins[key])) continue;
        if (definition.change === undefined || (definition.change === 'restart' && !isStart)) continue;
        const origin = managed.has(key) ? 'managed' : stored.has(key) ? 'stored' : 'default';
        const value = (origin === 'managed' ? managed : stored).get(key) ?? definition.default;
        origins[key] = origin;
        if (JSON.stringify(values[key]) === JSON.stringify(value)) continue;
        values[key] = value;
        changed.add(key);
      }
      for (const { keys, listener } of [...listeners]) if (keys.some((key) => changed.has(key))) listener();
    },
  };
  for (const [key] of DEFINITIONS) Object.defineProperty(settings, key, { enumerable: true, get: () => values[key] });
  return Object.freeze(settings) as unknown as Settings;
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
export function publicBase(settings: Pick<SettingValues, 'publicBaseUrl' | 'streamhubPublicUrl'>): string | null {
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

/** Reads the text of a setting; the problem completes a sentence and never quotes the text, which could be a secret. */
export function parseSetting(key: SettingKey, text: string): { value: unknown } | { problem: string } {
  const result = parse(SETTINGS[key], text);
  if ('problem' in result) return result;
  const number = result.value as number;
  if (key === 'authRateLimitMax' && number <= 0) return { value: SETTINGS.authRateLimitMax.default };
  if (key === 'logRetentionDays' && number < 0) return { value: 0 };
  return result;
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function parse(definition: Definition, text: string): { value: unknown } | { problem: string } {
  switch (definition.type) {
    case 'string': {
      const value = definition.verbatim ? text : text.trim();
      if (definition.pattern?.test(value) === false) return { problem: `must be ${definition.hint}` };
      return { value };
    }
    case 'url': {
      const address = text.trim();
      const found = URL.parse(address);
      if (!found?.hostname || !definition.schemes.includes(found.protocol.slice(0, -1))) {
        return {
          problem: `must be an address that begins with ${definition.schemes.map((s) => `${s}://`).join(' or ')}`,
        };
      }
      // clients, events and logs get an address that isn't hidden
      if (!isHidden(definition)) return { value: publicAddress(address) };
      if (!isDecodable(found.username) || !isDecodable(found.password))
        return { problem: 'must have %25 in place of a % in its user and password' };
      return { value: address };
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
