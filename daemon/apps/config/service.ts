import path from 'node:path';
import type { Repeated } from '#daemon/platform/background.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { FileJournal } from '#daemon/platform/files/journal.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import { MASK } from '#shared/config/annotations.ts';
import { type AppConfig, completeConfig, secretReferences } from '#shared/config/defaults.ts';
import type { EditInput, EditResult } from '#shared/config/edit.ts';
import { type Edit, remove, set } from '#shared/config/edits.ts';
import { type HwaccelChoice, resolveHwaccel } from '#shared/config/hwaccel.ts';
import { APP_PATCH, PATCHED_SECRETS, SECRET_KEYS, STREAMING_PATCH } from '#shared/config/patch.ts';
import {
  type AppConfigView,
  appConfigView,
  type MaskedSecrets,
  type StreamingView,
  streamingView,
} from '#shared/config/view.ts';
import { editsOf } from '#shared/config/wire-schema.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import { findOddText } from '#shared/odd-text.ts';
import type {
  ConfigBackup,
  ConfigProblem,
  ConfigWritten,
  PreviewResult,
  RawConfig,
  ValidateResult,
} from '#shared/schema/config.ts';
import type { GpuStatus } from '#shared/schema/gpu.ts';
import type { SecretChanges, SecretStore } from '../secrets/store.ts';
import { listBackups, readBackup } from './backups.ts';
import type { ConfigEntry, Verdict } from './entry.ts';
import { editError, invalidConfig, requireConsent, requireMatch, requireText, resultOf } from './errors.ts';
import { ConfigHistory } from './history.ts';
import { ConfigStore, type ConfigStoreDeps } from './store.ts';
import { CONFIG_EDIT } from './tasks.ts';
import { type ChangeNote, ConfigWriter } from './writer.ts';

/** Time between two looks at every config file: finds what the watch missed. */
const SWEEP_MS = 30_000;
const FIRST_SWEEP_MS = 1500;

export interface ConfigServiceDeps extends Omit<ConfigStoreDeps, 'onHandEdit'> {
  secrets: SecretStore;
  journal: FileJournal;
  databases: AppDatabases;
  pool: WorkerPool;
  /** The app's secrets as they may be shown. */
  maskedSecrets(app: string): MaskedSecrets;
  /** TRANSCODING_HWACCEL. */
  hwaccel: HwaccelChoice;
}

/** Conditions of a write. */
export interface WriteOptions extends ChangeNote {
  /** Header If-Match: write only if the config is still that one. */
  ifMatch?: string | undefined;
  /** The caller knows that recordings become public. */
  confirmPublic?: boolean | undefined;
}
export interface EditOptions extends WriteOptions {
  /** Stored together with the change, or not at all. */
  secrets?: SecretChanges | undefined;
  /** Code of the refusal when the current text cannot be edited; CONFIG_UNREADABLE (409) unless given. */
  whenUnreadable?: 'CONFIG_INVALID' | undefined;
}

/** Edits, or a function that makes them from the active config. */
export type EditSource = readonly Edit[] | ((config: AppConfig) => readonly Edit[] | Promise<readonly Edit[]>);

export interface EditOutcome {
  /** Dotted keys whose value changed. */
  changed: string[];
  diff: string;
  warnings: string[];
  etag: string;
  /** The active config afterwards. */
  config: AppConfig;
}

/** The apps' configs: the active one, and the only way to change it. */
export class ConfigService {
  readonly #deps: ConfigServiceDeps;
  readonly #store: ConfigStore;
  readonly #writer: ConfigWriter;
  readonly #history: ConfigHistory;
  #timer: Repeated | undefined;
  #gpu: { peek(): GpuStatus | undefined } = { peek: () => undefined };
  #isStopped = false;

  constructor(deps: ConfigServiceDeps) {
    this.#deps = deps;
    this.#history = new ConfigHistory(deps.databases);
    this.#store = new ConfigStore({
      ...deps,
      onHandEdit: (entry, changed) => this.#writer.keepHandEdited(entry, changed),
    });
    this.#writer = new ConfigWriter({ ...deps, store: this.#store, history: this.#history });
  }

  /** Sets what tells whether the machine has a GPU; unknown until then. */
  readGpuFrom(gpu: { peek(): GpuStatus | undefined }): void {
    this.#gpu = gpu;
  }

  /** Begins to watch the files of all apps, a moment after the start. */
  start(): void {
    this.#timer = this.#deps.background.every('config files', SWEEP_MS, () => this.#sweepAll(), {
      first: FIRST_SWEEP_MS,
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    const swept = this.#timer?.stop();
    this.#store.stop();
    await swept;
  }

  /** Forgets an app, after the writes under way; its files may be moved then. */
  async close(app: string): Promise<void> {
    await this.#store.close(app);
  }

  /** Runs a task while the app's config doesn't change, e.g. to copy its files. */
  hold<T>(app: string, task: () => Promise<T>): Promise<T> {
    return this.#store.hold(app, task);
  }

  /** The active config. Only an inline `callbacks.secret` in it is secret. */
  async get(app: string): Promise<AppConfig> {
    this.#deps.apps.require(app);
    return (await this.#store.current(app)).inForce;
  }

  /** The active config if it is in memory, for callers that can't wait. */
  peek(app: string): AppConfig | undefined {
    return this.#store.peek(app)?.inForce;
  }

  /** The state of the file: its version, and why it isn't active. */
  async state(app: string): Promise<{ etag: string | null; problem: ConfigProblem | null }> {
    this.#deps.apps.require(app);
    const { disk, problem } = await this.#store.current(app);
    return { etag: disk.kind === 'text' ? disk.etag : null, problem };
  }

  /**
   * The text of the file, its version, and whether it can be written.
   * @param isOperator sees where the daemon keeps its files
   */
  async raw(
    app: string,
    { showsSecrets, isOperator }: { showsSecrets: boolean; isOperator: boolean },
  ): Promise<RawConfig> {
    this.#deps.apps.require(app);
    const entry = this.#store.peek(app) ?? (await this.#store.current(app));
    const { text, etag } = requireText(entry);
    const root = path.dirname(path.dirname(entry.dir)) + path.sep;
    const shown = (words = ''): string => (isOperator ? words : words.replaceAll(root, ''));
    const refusal = await this.#store.writeProblem(entry);
    return {
      ...asShown(text, showsSecrets ? text : entry.shown),
      etag,
      problem: entry.problem,
      writable: refusal === undefined,
      writeProblem: refusal ? { code: refusal.code, message: shown(refusal.message), hint: shown(refusal.hint) } : null,
    };
  }

  /** Checks a text and compares it with the current one. */
  async validate(app: string, text: string): Promise<ValidateResult> {
    this.#deps.apps.require(app);
    const entry = await this.#store.current(app);
    const current = entry.disk.kind === 'text' ? entry.disk.text : '';
    return resultOf(await this.#store.check(app, text, current, entry.inForce));
  }

  /** Checks the text of an app that doesn’t exist yet. */
  async validateNew(app: string, text: string): Promise<ValidateResult & { config: AppConfig | null }> {
    const verdict = await this.#store.check(app, text, '', completeConfig({ name: app }, app));
    return { ...resultOf(verdict), config: verdict.check.config };
  }

  /** Refuses secrets that are masks, or no text. @throws ApiError VALIDATION_FAILED */
  checkSecrets(secrets: SecretChanges, fieldOf = (use: string): string => `body.${use}`): void {
    for (const [use, secret] of Object.entries(secrets)) {
      if (!secret) continue;
      if (/^\*+$/.test(secret)) throw fieldError(fieldOf(use), `is the mask ${MASK}, not a secret`);
      const odd = findOddText(secret);
      if (odd !== undefined) throw fieldError(fieldOf(use), odd.message);
    }
  }

  /** Replaces the text. Secrets are stored together with it, or not at all. */
  async putRaw(app: string, text: string, options: EditOptions): Promise<ConfigWritten & { etag: string }> {
    return this.#store.locked(app, (entry) => this.#put(entry, text, options));
  }

  /** Restores a backup. */
  async revert(
    app: string,
    ts: string,
    options: Omit<WriteOptions, 'reason'>,
  ): Promise<ConfigWritten & { etag: string }> {
    return this.#store.locked(app, async (entry) => {
      const text = await this.#requireBackup(app, entry.dir, ts);
      return this.#put(entry, text, { ...options, reason: 'revert', detail: ts, spare: ts });
    });
  }

  /** Reads the file again, and drops what others hold of it. */
  async reload(app: string, actor: Actor): Promise<ConfigWritten> {
    return this.#store.locked(app, async (entry) => {
      const changed = await this.#store.reread(entry);
      this.#deps.apps.lookAtDatabase(app);
      if (entry.problem !== null) return { reloaded: false, warnings: [entry.problem.message], changed: [] };
      this.#store.announce(entry, 'config.reloaded', { actor, reason: 'reload', detail: null, changed });
      return { reloaded: true, warnings: entry.warnings, changed };
    });
  }

  /**
   * Changes values in place: the rest of the text stays byte for byte. Nothing is written when nothing changes.
   * @throws ApiError CONFIG_MISSING, CONFIG_UNREADABLE, PRECONDITION_FAILED, ROOM_PREFIX_TAKEN, …; VALIDATION_FAILED for what the
   * request has in a field, CONFIG_INVALID for other faults of the change
   */
  async edit(app: string, source: EditSource, options: EditOptions): Promise<EditOutcome> {
    return this.#store.locked(app, async (entry) => {
      requireMatch(entry, options.ifMatch);
      const { text, edits, result, verdict } = await this.#tryEdits(entry, source);
      if (result.unreadable !== null || !verdict.valid) throw editError(result, verdict, edits, options.whenUnreadable);
      if (result.text === text) await this.#touch(entry, options);
      else {
        requireConsent(entry, verdict, options);
        await this.#writer.write(entry, result.text, verdict, options);
      }
      const { etag } = requireText(entry);
      return {
        changed: verdict.check.changedKeys,
        diff: verdict.check.diff,
        warnings: entry.warnings,
        etag,
        config: entry.inForce,
      };
    });
  }

  /** What `edit` would do. */
  async preview(app: string, source: EditSource): Promise<PreviewResult> {
    return (await this.previewConfig(app, source)).outcome;
  }

  /** The same with the configs before and after; `after` is null when the change is refused. */
  async previewConfig(
    app: string,
    source: EditSource,
  ): Promise<{ outcome: PreviewResult; before: AppConfig; after: AppConfig | null }> {
    this.#deps.apps.require(app);
    const entry = await this.#store.current(app);
    const { result, verdict } = await this.#tryEdits(entry, source);
    if (result.unreadable !== null) throw new ApiError('CONFIG_UNREADABLE', { reason: result.unreadable });
    const outcome = { ...resultOf(verdict), changedKeys: verdict.check.changedKeys };
    return { outcome, before: entry.inForce, after: verdict.check.config };
  }

  /** `PATCH /apps/{name}`. */
  async patchApp(
    app: string,
    body: Record<string, unknown>,
    options: Omit<EditOptions, 'reason'>,
  ): Promise<{ view: AppConfigView; etag: string }> {
    const secrets = secretsOf(body);
    this.checkSecrets(secrets);
    const { config, etag } = await this.edit(app, this.#settingsEdits(app, body), {
      ...options,
      reason: 'settings',
      secrets: Object.keys(secrets).length === 0 ? undefined : secrets,
    });
    return { view: appConfigView(config, this.#deps.maskedSecrets(app)), etag };
  }

  /** `GET /apps/{app}/config`. */
  async streaming(app: string): Promise<{ view: StreamingView; etag: string | null }> {
    this.#deps.apps.require(app);
    const { inForce, disk } = await this.#store.current(app);
    return { view: this.#streamingView(inForce), etag: disk.kind === 'text' ? disk.etag : null };
  }

  /** `PATCH /apps/{app}/config`. */
  async patchStreaming(
    app: string,
    body: object,
    options: Omit<EditOptions, 'reason'>,
  ): Promise<{ view: StreamingView; etag: string }> {
    const { config, etag } = await this.edit(app, editsOf(STREAMING_PATCH, body), { ...options, reason: 'streaming' });
    return { view: this.#streamingView(config), etag };
  }

  /** What the bodies of both PATCH routes would do. */
  async previewPatch(app: string, body: { settings?: object; streaming?: object }): Promise<PreviewResult> {
    const settings: Record<string, unknown> = { ...body.settings };
    this.checkSecrets(secretsOf(settings), (use) => `body.settings.${use}`);
    return this.preview(app, [
      ...this.#settingsEdits(app, settings),
      ...editsOf(STREAMING_PATCH, body.streaming ?? {}),
    ]);
  }

  /** Earlier texts, newest first, with the change that replaced each. */
  async backups(app: string): Promise<ConfigBackup[]> {
    this.#deps.apps.require(app);
    const files = await listBackups(this.#deps.apps.dir(app));
    let changes: ReturnType<ConfigHistory['read']> | undefined;
    try {
      changes = this.#history.read(app);
    } catch (err) {
      this.#deps.log.warn({ app, err }, 'app.db cannot be read; the backups are listed without their history');
    }
    return files.map((backup) => ({ ...backup, change: changes?.get(backup.ts) ?? null }));
  }

  /** Text of a backup. */
  async backup(app: string, ts: string, showsSecrets: boolean): Promise<ShownText> {
    this.#deps.apps.require(app);
    const text = await this.#requireBackup(app, this.#deps.apps.dir(app), ts);
    if (showsSecrets) return asShown(text, text);
    const { check } = await this.#store.check(app, text, undefined, null);
    return asShown(text, check.shown);
  }

  async #requireBackup(app: string, dir: string, ts: string): Promise<string> {
    const text = await readBackup(dir, ts);
    if (text === undefined) throw new ApiError('BACKUP_NOT_FOUND', { name: app, ts });
    return text;
  }

  async #put(
    entry: ConfigEntry,
    text: string,
    options: EditOptions & { spare?: string },
  ): Promise<ConfigWritten & { etag: string }> {
    requireMatch(entry, options.ifMatch);
    const current = entry.disk.kind === 'text' ? entry.disk.text : '';
    const verdict = await this.#store.check(entry.app, text, current, entry.inForce);
    if (!verdict.valid) throw invalidConfig(verdict);
    if (entry.disk.kind !== 'text' || text !== current) {
      requireConsent(entry, verdict, options);
      await this.#writer.write(entry, text, verdict, options);
    } else if (options.secrets !== undefined) await this.#touch(entry, options);
    else if (entry.problem !== null) await this.#store.reread(entry);
    return {
      reloaded: true,
      warnings: entry.warnings,
      changed: verdict.check.changedKeys,
      etag: requireText(entry).etag,
    };
  }

  async #tryEdits(
    entry: ConfigEntry,
    source: EditSource,
  ): Promise<{ text: string; edits: readonly Edit[]; result: EditResult; verdict: Verdict }> {
    const { text } = requireText(entry);
    const edits = typeof source === 'function' ? await source(entry.inForce) : source;
    const input: EditInput = { app: entry.app, text, edits, ...this.#store.context(entry.inForce) };
    const result = await this.#deps.pool.run<EditInput, EditResult>(CONFIG_EDIT, input, { app: entry.app });
    return { text, edits, result, verdict: this.#store.withContext(result.check, entry.inForce) };
  }

  /** A change that leaves the text alone: secrets only, or nothing. */
  async #touch(entry: ConfigEntry, options: EditOptions): Promise<void> {
    const { displayName, roomPrefix } = entry.inForce;
    if (options.secrets !== undefined) await this.#deps.secrets.set(entry.app, options.secrets);
    if (entry.problem === null) this.#deps.apps.sync(entry.app, { displayName, roomPrefix });
    else await this.#store.reread(entry);
    if (options.secrets !== undefined) {
      const { actor, reason, detail = null } = options;
      this.#store.announce(entry, 'config.reloaded', { actor, reason, detail, changed: [] });
    }
  }

  #settingsEdits(app: string, body: Record<string, unknown>): Edit[] {
    const references = secretReferences(app);
    // the secrets themselves move to the secret store; an inline one gives way to it
    const named = PATCHED_SECRETS.filter((use) => body[use]).map((use) => set(SECRET_KEYS[use], references[use]));
    const inline = body['callbackSecret'] === undefined ? [] : [remove('callbacks.secret')];
    return [...editsOf(APP_PATCH, body), ...inline, ...named];
  }

  #streamingView(config: AppConfig): StreamingView {
    const wish = config.transcoding.hwaccel ?? this.#deps.hwaccel;
    return streamingView(config, wish, resolveHwaccel(wish, this.#gpu.peek()));
  }

  async #sweepAll(): Promise<void> {
    for (const { name } of [...this.#deps.apps.registry.entries()]) {
      if (this.#isStopped) return;
      await this.#store.look(name).catch((err) => {
        if (!this.#isStopped) this.#deps.log.warn({ app: name, err }, 'config.yaml could not be checked');
      });
      this.#deps.apps.lookAtDatabase(name);
    }
  }
}

/** The secrets that a body of `PATCH /apps/{name}` sets or removes. */
function secretsOf(body: Record<string, unknown>): SecretChanges {
  const secrets: SecretChanges = {};
  for (const use of PATCHED_SECRETS) if (body[use] !== undefined) secrets[use] = body[use] as string;
  return secrets;
}

type ShownText = Pick<RawConfig, 'yaml' | 'masked' | 'hidden'>;

/** A text for its reader: whole, without its secrets, or not at all when nobody can tell where they are. */
function asShown(text: string, shown: string | null): ShownText {
  if (shown !== null) return { yaml: shown, masked: shown !== text, hidden: null };
  return {
    yaml: '',
    masked: true,
    hidden: 'The text is not shown: it is not readable as YAML, so its secrets cannot be masked.',
  };
}
