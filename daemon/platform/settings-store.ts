import { Mutex } from 'async-mutex';
import { ApiError, type ErrorDetail } from '#shared/errors.ts';
import { findOddText } from '#shared/odd-text.ts';
import type { SettingValue } from '#shared/schema/settings.ts';
import type { Db } from './db/open.ts';
import { matchesEtag } from './http/etag.ts';
import type { Actor } from './http/types.ts';
import type { SecretFile } from './secrets/secret-file.ts';
import { type Definition, isHidden } from './setting-types.ts';
import { parseSetting, type Settings, type SettingValues } from './settings.ts';
import { SETTINGS, type SettingKey } from './settings-table.ts';
import type { InstallationWarnings } from './warnings.ts';

/** Stored texts as in the environment; null = not set any more. */
export type SettingChanges = ReadonlyMap<SettingKey, string | null>;

/** What is stored for a setting. */
export interface StoredSetting {
  /** The value as the settings show it; undefined = none, or not usable. */
  value: unknown;
  isSet: boolean;
  /** Why the stored value is not used. */
  problem: string | null;
  changedAt: string;
  changedBy: string;
  revision: number;
}

interface Row {
  name: string;
  value: string | null;
  previous: string | null;
  revision: number;
  changed_at: string;
  changed_by: string;
}

export interface SettingsStoreDeps {
  settings: Settings;
  db: Db;
  secrets: Pick<SecretFile, 'get' | 'names' | 'set'>;
  warnings: InstallationWarnings;
}

const KEYS = new Map((Object.entries(SETTINGS) as [SettingKey, Definition][]).map(([key, { env }]) => [env, key]));
/** Name of a hidden value in the file of secrets; the number is the revision. */
const SECRET_NAME = /^([A-Z0-9_]+)@\d+$/;

/**
 * The settings that operators store: plain values in the registry, hidden ones in the file of secrets. It applies them
 * through `Settings`. A stored value that can't be used is reported, and the default applies.
 */
export class SettingsStore {
  readonly #deps: SettingsStoreDeps;
  readonly #writing = new Mutex();
  readonly #upsert;
  readonly #all;
  #rows: ReadonlyMap<SettingKey, Row> = new Map();
  #stored: ReadonlyMap<SettingKey, StoredSetting> = new Map();
  #areSecretsThere = false;
  #managed: ReadonlyMap<SettingKey, string> = new Map();

  constructor(deps: SettingsStoreDeps) {
    this.#deps = deps;
    this.#all = deps.db.prepare<[], Row>('SELECT * FROM settings');
    this.#upsert = deps.db.prepare<Row>(
      `INSERT OR REPLACE INTO settings (name, value, previous, revision, changed_at, changed_by)
       VALUES (@name, @value, @previous, @revision, @changed_at, @changed_by)`,
    );
    this.#read();
    this.#apply(true);
  }

  /** Applies the hidden values, once the file of secrets is read. */
  secretsLoaded(): void {
    this.#areSecretsThere = true;
    this.#apply(true);
  }

  /** Applies the address, keys and so on of the LiveKit that the daemon runs; an empty map takes them back. */
  adoptManaged(values: ReadonlyMap<SettingKey, string>): void {
    this.#managed = values;
    this.#apply(false);
  }

  /** Number of the last change; 0 = there was none. */
  get revision(): number {
    return Math.max(0, ...this.#rows.values().map((row) => row.revision));
  }

  get etag(): string {
    return `"settings-${this.revision}"`;
  }

  stored(key: SettingKey): StoredSetting | undefined {
    return this.#stored.get(key);
  }

  /** The text that is stored, also a hidden one; undefined = none. */
  storedText(key: SettingKey): string | undefined {
    return this.#textOf(key, this.#rows.get(key)?.value ?? null) ?? undefined;
  }

  /**
   * Checks values that someone wants to store, all of them.
   * @throws ApiError VALIDATION_FAILED, SETTING_LOCKED
   */
  check(values: Readonly<Record<string, SettingValue>>): SettingChanges {
    const details: ErrorDetail[] = [];
    const changes = new Map<SettingKey, string | null>();
    for (const [name, value] of Object.entries(values)) {
      const key = KEYS.get(name);
      const result = key === undefined ? { problem: 'is not a setting' } : readValue(key, value);
      if ('problem' in result) details.push({ path: `body.values.${name}`, message: result.problem });
      else changes.set(key as SettingKey, result.text);
    }
    const [first] = details;
    if (first !== undefined)
      throw new ApiError('VALIDATION_FAILED', { reason: `${first.path} ${first.message}` }, { details });
    for (const key of changes.keys()) {
      const place = this.lockedBy(key);
      if (place !== null) throw new ApiError('SETTING_LOCKED', { name: SETTINGS[key].env, place });
    }
    return changes;
  }

  /** A value as the store would keep and show it; undefined: it can’t be stored. */
  settled(name: string, value: SettingValue): { text: string | null; value: unknown } | undefined {
    const key = KEYS.get(name);
    const read = key === undefined ? undefined : readValue(key, value);
    if (read === undefined || 'problem' in read) return undefined;
    const parsed = read.text === null ? {} : parseSetting(key as SettingKey, read.text);
    return { text: read.text, value: 'value' in parsed ? parsed.value : undefined };
  }

  /** Where the value comes from, if that takes precedence over a stored one; null otherwise. */
  lockedBy(key: SettingKey): string | null {
    const { origins, envFile } = this.#deps.settings;
    switch (origins[key]) {
      case 'flag':
        return 'by a flag on the command line';
      case 'environment':
        return 'in the environment';
      case 'file':
        return `in ${envFile.slice(Math.max(envFile.lastIndexOf('/'), envFile.lastIndexOf('\\')) + 1)}`;
      case 'managed':
        return 'by the LiveKit that this daemon runs (LIVEKIT_MODE)';
      default:
        return null;
    }
  }

  /** The settings as they would be. */
  preview(changes: SettingChanges): SettingValues {
    const values: Record<string, unknown> = { ...this.#deps.settings };
    for (const [key, text] of changes) {
      const result = text === null ? { value: SETTINGS[key].default } : parseSetting(key, text);
      if ('value' in result) values[key] = result.value;
    }
    return values as SettingValues;
  }

  /**
   * Stores values and applies them.
   * @returns the settings that changed
   * @throws ApiError PRECONDITION_FAILED when the settings have another ETag than `ifMatch`
   */
  write(changes: SettingChanges, actor: Actor, ifMatch: string | undefined): Promise<SettingKey[]> {
    return this.#writing.runExclusive(async () => {
      this.requireMatch(ifMatch);
      const revision = this.revision + 1;
      const added: Record<string, string> = {};
      const rows: Row[] = [];
      for (const [key, text] of changes) {
        const { env: name } = SETTINGS[key];
        const before = this.#rows.get(key)?.value ?? null;
        if (text === this.#textOf(key, before)) continue;
        const secretName = `${name}@${revision}`;
        const isSecret = text !== null && isHidden(SETTINGS[key]);
        if (isSecret) added[secretName] = text;
        rows.push({ ...stamp(name, revision, actor), value: isSecret ? secretName : text, previous: before });
      }
      if (rows.length === 0) return [];
      // first the secrets: an end in between leaves one that nothing refers to, which the next change removes
      await this.#deps.secrets.set(added);
      return this.#store(rows);
    });
  }

  /**
   * Brings the previous values of a change back. Undone again, it applies again.
   * @returns the settings that changed
   * @throws ApiError PRECONDITION_FAILED, SETTINGS_NOT_UNDOABLE
   */
  undo(revision: number, actor: Actor, ifMatch: string | undefined): Promise<SettingKey[]> {
    return this.#writing.runExclusive(async () => {
      this.requireMatch(ifMatch);
      const rows = this.#rowsOf(revision);
      const next = this.revision + 1;
      return this.#store(
        rows.map(({ name, value, previous }) => ({
          ...stamp(name, next, actor),
          value: previous,
          previous: value,
        })),
      );
    });
  }

  /** What an undo of this change would store. @throws ApiError SETTINGS_NOT_UNDOABLE */
  undoChanges(revision: number): SettingChanges {
    const texts = this.#rowsOf(revision).map(({ name, previous }) => {
      const key = KEYS.get(name) as SettingKey;
      return [key, this.#textOf(key, previous) ?? null] as const;
    });
    return new Map(texts.filter(([key]) => this.lockedBy(key) === null));
  }

  #rowsOf(revision: number): Row[] {
    const rows = [...this.#rows.values()].filter((row) => row.revision === revision);
    if (rows.length === 0) throw new ApiError('SETTINGS_NOT_UNDOABLE', { revision });
    return rows;
  }

  async #store(rows: readonly Row[]): Promise<SettingKey[]> {
    const write = this.#deps.db.transaction(() => {
      for (const row of rows) this.#upsert.run(row);
    });
    write();
    this.#read();
    this.#apply(false);
    await this.#tidySecrets();
    return rows.map(({ name }) => KEYS.get(name) as SettingKey);
  }

  /** Removes hidden values that neither a setting nor its undo refers to. */
  async #tidySecrets(): Promise<void> {
    const used = new Set([...this.#rows.values()].flatMap(({ value, previous }) => [value, previous]));
    const isLeft = (name: string): boolean => KEYS.has(SECRET_NAME.exec(name)?.[1] ?? '') && !used.has(name);
    const left = this.#deps.secrets.names().filter(isLeft);
    // the change is applied; what is left is removed with the next one
    if (left.length > 0)
      await this.#deps.secrets.set(Object.fromEntries(left.map((name) => [name, null]))).catch(() => {});
  }

  /** @throws ApiError PRECONDITION_FAILED */
  requireMatch(ifMatch: string | undefined): void {
    if (ifMatch === undefined || matchesEtag(ifMatch, this.etag)) return;
    throw new ApiError('PRECONDITION_FAILED', { what: 'The settings' }, { headers: { etag: this.etag } });
  }

  #read(): void {
    const rows = this.#all.all().map((row) => [KEYS.get(row.name), row] as const);
    this.#rows = new Map(rows.filter((entry): entry is [SettingKey, Row] => entry[0] !== undefined));
  }

  /** The stored text; undefined for a hidden value that is not in the file of secrets. */
  #textOf(key: SettingKey, value: string | null): string | null | undefined {
    return value === null || !isHidden(SETTINGS[key]) ? value : this.#deps.secrets.get(value);
  }

  #apply(isStart: boolean): void {
    const { settings, warnings } = this.#deps;
    const stored = new Map<SettingKey, StoredSetting>();
    const values = new Map<SettingKey, unknown>();
    for (const [key, row] of this.#rows) {
      const { env } = SETTINGS[key];
      if (isHidden(SETTINGS[key]) && !this.#areSecretsThere) continue;
      const text = this.#textOf(key, row.value);
      const result =
        text === undefined
          ? { problem: 'is missing from the stored secrets' }
          : text === null
            ? { value: undefined }
            : parseSetting(key, text);
      const problem = 'problem' in result ? result.problem : null;
      const value = 'value' in result ? result.value : undefined;
      if (value !== undefined) values.set(key, value);
      stored.set(key, {
        value,
        isSet: row.value !== null,
        problem,
        changedAt: row.changed_at,
        changedBy: row.changed_by,
        revision: row.revision,
      });
      if (problem === null) warnings.remove('STORED_SETTING', env);
      else
        warnings.add(
          'STORED_SETTING',
          env,
          `The stored value of ${env} ${problem}. The default is used. Set it again in the settings.`,
        );
    }
    this.#stored = stored;
    settings.adoptStored(values, isStart, this.#managed);
    for (const key of KEYS.values()) this.#warnOfRestart(key);
  }

  /** The value that takes effect with the next start; undefined when that is the present one. */
  pending(key: SettingKey): SettingValue | undefined {
    const definition: Definition = SETTINGS[key];
    if (definition.change !== 'restart' || this.lockedBy(key) !== null) return undefined;
    const stored = this.#stored.get(key);
    const next = (stored?.isSet && stored.problem === null ? stored.value : definition.default) as SettingValue;
    return JSON.stringify(next) === JSON.stringify(this.#deps.settings[key]) ? undefined : next;
  }

  #warnOfRestart(key: SettingKey): void {
    const { env, label } = SETTINGS[key];
    const { warnings } = this.#deps;
    if (this.pending(key) === undefined) warnings.remove('RESTART_NEEDED', env);
    else warnings.add('RESTART_NEEDED', env, `Restart the daemon to apply “${label}” (${env}).`);
  }
}

const stamp = (name: string, revision: number, actor: Actor) => ({
  name,
  revision,
  changed_at: new Date().toISOString(),
  changed_by: actor.label ?? actor.id,
});

/** The text to store. A problem completes a sentence that begins with the field, and quotes no value. */
function readValue(key: SettingKey, value: SettingValue): { text: string | null } | { problem: string } {
  const definition: Definition = SETTINGS[key];
  if (definition.change === undefined) return { problem: 'can only be set where the daemon is started' };
  if (value === null) return { text: null };
  const given = Array.isArray(value) ? value.join(',') : String(value);
  const text = definition.verbatim ? given : given.trim();
  if (text === '') return { text: null };
  if (/\p{Cc}/u.test(text)) return { problem: 'must not contain line ends or control characters' };
  if (text !== text.trim()) return { problem: 'must not begin or end with a blank' };
  const odd = definition.type === 'string' || definition.type === 'url' ? findOddText(text) : undefined;
  if (odd !== undefined) return { problem: odd.message };
  const result = parseSetting(key, text);
  if ('problem' in result) return result;
  if (definition.type === 'url' && result.value !== text)
    return { problem: 'must not contain a user, a password or a query' };
  return { text };
}
