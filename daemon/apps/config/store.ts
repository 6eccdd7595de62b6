import path from 'node:path';
import type { Background } from '#daemon/platform/background.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import { fileError } from '#daemon/platform/files/file-errors.ts';
import type { FileJournal } from '#daemon/platform/files/journal.ts';
import { writeObstacle } from '#daemon/platform/files/write-obstacle.ts';
import { type Actor, SYSTEM } from '#daemon/platform/http/types.ts';
import { KeyedLock } from '#daemon/platform/keyed-lock.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { SecretRegistry } from '#daemon/platform/logs/secret-registry.ts';
import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import type { CheckInput, CheckResult } from '#shared/config/check.ts';
import { type AppConfig, completeConfig } from '#shared/config/defaults.ts';
import { ApiError } from '#shared/errors.ts';
import { finishOverwrites, recoverFile } from '#shared/files/atomic-file.ts';
import type { ConfigChange } from '#shared/schema/config.ts';
import type { AppService } from '../registry/service.ts';
import { backupIds, readBackup } from './backups.ts';
import { CONFIG_NAME, type DiskState, MISSING, readConfigFile, readStamp } from './config-file.ts';
import { contextFindings } from './context-checks.ts';
import { type ConfigEntry, problemOf, type Verdict, verdictOf } from './entry.ts';
import { takesEffect } from './takes-effect.ts';
import { CONFIG_CHECK } from './tasks.ts';
import { ConfigWatch } from './watch.ts';

/** Quiet time after a change of the file before it is read automatically. */
const SETTLE_MS = 120;
/** How long it is taken as known whether the file can be written. */
const LOOK_AGAIN_MS = 2000;
/** How many backups are tried for a config that was once valid. */
const TRIED_BACKUPS = 5;

export interface ConfigStoreDeps {
  background: Background;
  apps: AppService;
  journal: Pick<FileJournal, 'isUnfinished'>;
  pool: WorkerPool;
  events: EventBus;
  logSecrets: SecretRegistry;
  policy: EndpointPolicy;
  /** Ids of storage providers that plugins bring. */
  providers?: () => readonly string[];
  log: Log<'warn'>;
  /** Keeps the text that a hand edit replaced. */
  onHandEdit(entry: ConfigEntry, changed: readonly string[]): Promise<void>;
}

/** Why a file is read: it is new to the daemon, it changed, or someone asked. */
type Cause = 'open' | 'hand-edit' | 'reload' | 'retry';

/**
 * The configs of all apps in memory, in step with their files. Reading one that is known costs no disk access: the watch says
 * when the file has to be looked at again.
 */
export class ConfigStore {
  readonly #deps: ConfigStoreDeps;
  readonly #entries = new Map<string, ConfigEntry>();
  readonly #lock = new KeyedLock();
  /** Functions that cancel reading a changed file. */
  readonly #looks = new Map<string, () => void>();
  #isStopped = false;

  constructor(deps: ConfigStoreDeps) {
    this.#deps = deps;
  }

  /** What is known of an app's config without looking, if that is certain to be fresh. */
  peek(app: string): ConfigEntry | undefined {
    const entry = this.#entries.get(app);
    return entry !== undefined && !entry.isDirty && entry.watch.isWatching ? entry : undefined;
  }

  /** The app's config, read again if its file may have changed. */
  async current(app: string): Promise<ConfigEntry> {
    return this.peek(app) ?? this.#lock.run(app, () => this.#refresh(app));
  }

  /** Runs a task as the app's only writer, with its fresh config. */
  async locked<T>(app: string, task: (entry: ConfigEntry) => Promise<T>): Promise<T> {
    return this.#lock.run(app, async () => {
      const { deleting } = this.#deps.apps.require(app);
      if (deleting) throw new ApiError('APP_BUSY', { name: app });
      // the watcher can be late with a hand edit, and a change must start from the file on disk
      const known = this.#entries.get(app);
      if (known !== undefined) known.isDirty = true;
      return task(await this.#refresh(app));
    });
  }

  /** Runs a task while nothing writes the app's config. Its file may be edited by hand in the meantime. */
  hold<T>(app: string, task: () => Promise<T>): Promise<T> {
    return this.#lock.run(app, task);
  }

  /** Reads the file even if it seems unchanged. Only inside `locked`. */
  async reread(entry: ConfigEntry): Promise<string[]> {
    return this.#adopt(entry, await readConfigFile(entry.dir), 'reload');
  }

  /** Checks the file's stamp during a slow sweep; also gives a broken file another try. */
  async look(app: string): Promise<void> {
    await this.#lock.run(app, async () => {
      if (this.#isStopped || this.#deps.apps.registry.get(app) === undefined) return;
      const known = this.#entries.get(app);
      if (known !== undefined) known.isDirty = true;
      const entry = await this.#refresh(app);
      if (known?.problem && entry.problem) await this.#adopt(entry, await readConfigFile(entry.dir), 'retry');
    });
  }

  /** Why the file cannot be written now; looked at again every few seconds. */
  async writeProblem(entry: ConfigEntry): Promise<ApiError | undefined> {
    const now = performance.now();
    if (entry.writeProblem === undefined || now - entry.writeProblem.lookedAt > LOOK_AGAIN_MS) {
      entry.writeProblem = { refusal: await writeObstacle(path.join(entry.dir, CONFIG_NAME)), lookedAt: now };
    }
    return entry.writeProblem.refusal;
  }

  /** Forgets an app, after the writes under way. */
  async close(app: string): Promise<void> {
    await this.#lock.run(app, async () => this.#forget(app));
  }

  stop(): void {
    this.#isStopped = true;
    for (const app of [...this.#entries.keys()]) this.#forget(app);
  }

  /** Checks a text against everything that this daemon knows. */
  async check(app: string, text: string, current: string | undefined, before: AppConfig | null): Promise<Verdict> {
    const input: CheckInput = { app, text, ...(current === undefined ? {} : { current }), ...this.context(before) };
    return this.withContext(await this.#deps.pool.run<CheckInput, CheckResult>(CONFIG_CHECK, input, { app }), before);
  }

  /** Adds the findings that need the other apps and the network policy. */
  withContext(check: CheckResult, before: AppConfig | null): Verdict {
    return verdictOf(
      check,
      contextFindings(
        check,
        {
          prefixConflict: (app, roomPrefix) => {
            const { registry } = this.#deps.apps;
            const entry = registry.get(app);
            return entry && registry.prefixConflict({ ...entry, roomPrefix });
          },
          policy: this.#deps.policy,
        },
        before,
      ),
    );
  }

  /**
   * What a check needs to know beside the text. A provider whose plugin was removed does not make a config invalid that
   * named it before, because the app would go on with another storage; the app raises an alarm instead.
   */
  context(before: AppConfig | null): Pick<CheckInput, 'providers'> {
    return { providers: before === null ? 'any' : [...(this.#deps.providers?.() ?? []), before.s3.provider] };
  }

  /**
   * Reserves a room prefix for the time of a write.
   * @throws ApiError ROOM_PREFIX_TAKEN
   */
  claimPrefix(app: string, prefix: string): () => void {
    const { registry } = this.#deps.apps;
    return registry.claimPrefix({ ...registry.require(app), roomPrefix: prefix });
  }

  /** Activates a valid text that is already on the disk. */
  install(entry: ConfigEntry, disk: DiskState, verdict: Verdict): void {
    entry.disk = disk;
    entry.shown = verdict.check.shown;
    entry.warnings = verdict.warnings;
    entry.problem = null;
    this.#deps.apps.noteConfigProblem(entry.app, null);
    entry.isDirty = false;
    entry.inForce = verdict.check.config as AppConfig;
    entry.releaseSecret();
    entry.releaseSecret = this.#deps.logSecrets.add(entry.inForce.callbacks.secret);
  }

  /** Announces that another config is active. */
  announce(entry: ConfigEntry, type: 'config.changed' | 'config.reloaded', change: Announcement): void {
    const { actor, reason, detail, changed } = change;
    this.#deps.events.publish({
      type,
      app: entry.app,
      tenant: this.#deps.apps.require(entry.app).tenantId,
      actor,
      data: {
        reason,
        ...(detail === null ? {} : { detail }),
        changed,
        takesEffect: takesEffect(changed),
        etag: entry.disk.kind === 'text' ? entry.disk.etag : null,
      },
    });
  }

  async #refresh(app: string): Promise<ConfigEntry> {
    const entry = this.#entries.get(app);
    if (entry === undefined) return this.#open(app);
    if (!entry.isDirty && entry.watch.isWatching) return entry;
    entry.isDirty = false; // first: what happens from here on marks it again
    if ((await readStamp(entry.dir)) === entry.disk.stamp) return entry;
    try {
      await this.#adopt(entry, await readConfigFile(entry.dir), 'hand-edit');
    } catch (error) {
      entry.isDirty = true;
      throw error;
    }
    return entry;
  }

  async #open(app: string): Promise<ConfigEntry> {
    const { displayName, roomPrefix } = this.#deps.apps.require(app);
    const dir = this.#deps.apps.dir(app);
    const file = path.join(dir, CONFIG_NAME);
    await (this.#deps.journal.isUnfinished(file) ? finishOverwrites : recoverFile)(file);
    const entry: ConfigEntry = {
      app,
      dir,
      watch: new ConfigWatch(dir, () => this.#touched(entry)),
      isDirty: false,
      disk: MISSING,
      shown: null,
      inForce: completeConfig({ display_name: displayName, room_prefix: roomPrefix }, app),
      warnings: [],
      problem: null,
      writeProblem: undefined,
      handEditedAt: 0,
      releaseSecret: () => {},
    };
    try {
      await this.#adopt(entry, await readConfigFile(dir), 'open');
      if (entry.problem !== null) await this.#fallBack(entry);
    } catch (error) {
      entry.watch.close();
      throw error;
    }
    this.#entries.set(app, entry);
    return entry;
  }

  /** Reads what is on the disk. @returns the dotted keys that changed with it */
  async #adopt(entry: ConfigEntry, disk: DiskState, cause: Cause): Promise<string[]> {
    const { app } = entry;
    if (disk.kind !== 'text') {
      this.#setAside(entry, disk, disk.kind === 'missing' ? 'config.yaml is missing' : disk.reason, null);
      return [];
    }
    const isNew = entry.disk.kind !== 'text' || disk.etag !== entry.disk.etag;
    if (!isNew && cause === 'hand-edit') {
      entry.disk = disk;
      return [];
    }
    const before = entry.disk.kind === 'text' ? entry.disk.text : undefined;
    const inForce = cause === 'open' ? null : entry.inForce;
    const checked = await this.#checkFile(app, disk.text, before, inForce);
    const changed = checked?.check.changedKeys ?? [];
    if (isNew && cause !== 'open') await this.#deps.onHandEdit(entry, changed);
    // another app may have taken the prefix in the meantime; from here to the registry nothing waits
    const verdict = checked && this.withContext(checked.check, inForce);
    if (verdict === undefined || !verdict.valid) {
      this.#setAside(
        entry,
        disk,
        verdict?.error ?? 'checking config.yaml took too much time or memory',
        verdict ?? null,
      );
      return [];
    }
    const { displayName, roomPrefix } = verdict.check.config as AppConfig;
    const known = this.#deps.apps.require(app);
    if (cause === 'reload' || known.displayName !== displayName || known.roomPrefix !== roomPrefix) {
      try {
        this.#deps.apps.sync(app, { displayName, roomPrefix });
      } catch (error) {
        if (cause === 'reload' || fileError(error) === undefined) throw error;
        // reading works on a disk that refuses writes; the next sweep tries again
        this.#setAside(entry, disk, 'the registry cannot be written at the moment', verdict);
        return [];
      }
    }
    this.install(entry, disk, verdict);
    if ((isNew && cause === 'hand-edit') || cause === 'retry') {
      this.announce(entry, 'config.changed', { actor: SYSTEM, reason: 'hand-edit', detail: null, changed });
    }
    return changed;
  }

  /** Checks a file; undefined when that cost more than a config may. */
  async #checkFile(app: string, text: string, before: string | undefined, inForce: AppConfig | null) {
    try {
      return await this.check(app, text, before, inForce);
    } catch (error) {
      if (error instanceof ApiError && (error.code === 'TASK_TIMEOUT' || error.code === 'TASK_FAILED'))
        return undefined;
      throw error;
    }
  }

  /** Notes that the file can't become active. The active config stays. */
  #setAside(entry: ConfigEntry, disk: DiskState, reason: string, verdict: Verdict | null): void {
    const isNews = entry.problem?.message !== reason;
    entry.problem = problemOf(reason, verdict?.diagnostics ?? [], entry.problem);
    this.#deps.apps.noteConfigProblem(entry.app, entry.problem);
    entry.disk = disk;
    entry.shown = verdict?.check.shown ?? null;
    entry.warnings = [];
    if (!isNews) return;
    this.#deps.log.warn({ app: entry.app, reason }, 'config.yaml is not valid; the last valid config stays active');
    this.#deps.events.publish({
      type: 'config.invalid',
      app: entry.app,
      tenant: this.#deps.apps.require(entry.app).tenantId,
      actor: SYSTEM,
      data: { reason },
    });
  }

  /** A file that is broken when first seen: the newest backup that is valid counts, with the names that the registry knows. */
  async #fallBack(entry: ConfigEntry): Promise<void> {
    const { displayName, roomPrefix } = this.#deps.apps.require(entry.app);
    const backups = await backupIds(entry.dir).catch(() => []);
    for (const ts of backups.slice(0, TRIED_BACKUPS)) {
      const text = await readBackup(entry.dir, ts).catch(() => undefined);
      const verdict = text === undefined ? undefined : await this.#checkFile(entry.app, text, undefined, null);
      if (verdict?.check.config) {
        entry.inForce = { ...verdict.check.config, displayName, roomPrefix };
        return;
      }
    }
  }

  #touched(entry: ConfigEntry): void {
    entry.isDirty = true;
    if (this.#isStopped) return;
    this.#looks.get(entry.app)?.();
    const cancel = this.#deps.background.after('changed config files', SETTLE_MS, () => {
      this.#looks.delete(entry.app);
      if (!entry.isDirty || this.#entries.get(entry.app) !== entry) return;
      return this.current(entry.app).catch((err) =>
        this.#deps.log.warn({ app: entry.app, err }, 'config.yaml was not reloaded'),
      );
    });
    this.#looks.set(entry.app, cancel);
  }

  #forget(app: string): void {
    this.#looks.get(app)?.();
    this.#looks.delete(app);
    const entry = this.#entries.get(app);
    entry?.watch.close();
    entry?.releaseSecret();
    this.#entries.delete(app);
  }
}

/** Who changed a config, and what changed. */
export interface Announcement {
  actor: Actor;
  reason: ConfigChange['reason'] | 'reload';
  detail: string | null;
  changed: string[];
}
