import { createReadStream } from 'node:fs';
import path from 'node:path';
import { fileError } from '#daemon/platform/files/file-errors.ts';
import type { FileJournal } from '#daemon/platform/files/journal.ts';
import { type Actor, SYSTEM } from '#daemon/platform/http/types.ts';
import type { Log } from '#daemon/platform/log.ts';
import { ApiError } from '#shared/errors.ts';
import { type StagedFile, stageFile } from '#shared/files/atomic-file.ts';
import type { ConfigChange } from '#shared/schema/config.ts';
import type { AppService } from '../registry/service.ts';
import type { SecretChanges, SecretStore } from '../secrets/store.ts';
import { dropBackup, pruneBackups, takeBackup } from './backups.ts';
import { CONFIG_NAME, etagOf, readStamp } from './config-file.ts';
import type { ConfigEntry, Verdict } from './entry.ts';
import type { ConfigHistory } from './history.ts';
import type { ConfigStore } from './store.ts';

/** Hand edits closer together than this share one backup, so that an editor that saves by itself does not push out the others. */
const HAND_EDIT_PAUSE_MS = 600_000;

export interface ChangeNote {
  actor: Actor;
  reason: ConfigChange['reason'];
  /** The preset, or the backup that is restored. */
  detail?: string | undefined;
}

export interface ConfigWriterDeps {
  store: ConfigStore;
  apps: AppService;
  secrets: SecretStore;
  history: ConfigHistory;
  /** For changes of the config together with secrets. */
  journal: FileJournal;
  log: Log<'warn'>;
}

/** The one way in which the daemon writes a config. Inside the store's lock only. */
export class ConfigWriter {
  readonly #deps: ConfigWriterDeps;
  constructor(deps: ConfigWriterDeps) {
    this.#deps = deps;
  }

  /**
   * Puts a valid text in place of the current one: backup, temporary file, rename; then it is active and announced. Secrets
   * that belong to it are stored with it or not at all.
   */
  async write(
    entry: ConfigEntry,
    text: string,
    verdict: Verdict,
    note: ChangeNote & { secrets?: SecretChanges | undefined; spare?: string | undefined },
  ): Promise<void> {
    const { store, apps, secrets } = this.#deps;
    const config = verdict.check.config as NonNullable<Verdict['check']['config']>;
    const release = store.claimPrefix(entry.app, config.roomPrefix);
    try {
      const staged = note.secrets === undefined ? undefined : await secrets.stage(entry.app, note.secrets);
      let backup: string | undefined;
      const { displayName, roomPrefix } = apps.require(entry.app);
      try {
        // first: a registry that refuses must leave the file as it was. The next start takes the names from the file
        apps.sync(entry.app, { displayName: config.displayName, roomPrefix: config.roomPrefix });
        backup = await this.#replace(entry, text, staged?.file);
        staged?.adopt();
      } catch (error) {
        entry.isDirty = true;
        this.#restoreNames(entry.app, { displayName, roomPrefix });
        throw error;
      } finally {
        staged?.release();
      }
      const mode = entry.disk.kind === 'text' ? entry.disk.mode : 0o600;
      store.install(
        entry,
        { kind: 'text', stamp: await readStamp(entry.dir), text, etag: etagOf(text), mode },
        verdict,
      );
      entry.handEditedAt = 0;
      const changed = verdict.check.changedKeys;
      if (backup !== undefined) await this.#note(entry, backup, { ...note, changed }, note.spare);
      store.announce(entry, 'config.changed', { ...note, detail: note.detail ?? null, changed });
    } finally {
      release();
    }
  }

  #restoreNames(app: string, names: { displayName: string; roomPrefix: string }): void {
    const now = this.#deps.apps.require(app);
    if (now.displayName === names.displayName && now.roomPrefix === names.roomPrefix) return;
    try {
      this.#deps.apps.sync(app, names);
    } catch (err) {
      this.#deps.log.warn({ app, err }, 'the registry could not take back the names of an app');
    }
  }

  /** Keeps the valid text that someone replaced on the disk. */
  async keepHandEdited(entry: ConfigEntry, changed: readonly string[]): Promise<void> {
    const now = Date.now();
    if (entry.disk.kind !== 'text' || entry.problem !== null || now - entry.handEditedAt < HAND_EDIT_PAUSE_MS) return;
    try {
      const ts = await takeBackup(entry.dir, entry.disk.text);
      entry.handEditedAt = now;
      await this.#note(entry, ts, { actor: SYSTEM, reason: 'hand-edit', changed: [...changed] });
    } catch (err) {
      this.#deps.log.warn({ app: entry.app, err }, 'the hand-edited config could not be backed up');
    }
  }

  /** @returns id of the backup, if there was something to back up */
  async #replace(entry: ConfigEntry, text: string, secrets: StagedFile | undefined): Promise<string | undefined> {
    if (entry.disk.kind === 'missing') await this.#deps.apps.restoreFolder(entry.app);
    const file = path.join(entry.dir, CONFIG_NAME);
    const staged = secrets === undefined ? [] : [secrets];
    let backup: string | undefined;
    try {
      staged.push(await stageFile(file, text, entry.disk.kind === 'text' ? { mode: entry.disk.mode } : {}));
      if ((await readStamp(entry.dir)) !== entry.disk.stamp)
        throw new ApiError('PRECONDITION_FAILED', { what: 'The config' });
      backup = await this.#backUp(entry);
      await this.#deps.journal.commit(staged);
      return backup;
    } catch (error) {
      await Promise.allSettled(staged.map((one) => one.discard()));
      if (backup !== undefined) await dropBackup(entry.dir, backup).catch(() => {});
      throw error;
    }
  }

  async #backUp(entry: ConfigEntry): Promise<string | undefined> {
    if (entry.disk.kind === 'missing') return undefined;
    if (entry.disk.kind === 'text') return takeBackup(entry.dir, entry.disk.text);
    const file = path.join(entry.dir, CONFIG_NAME);
    return takeBackup(entry.dir, createReadStream(file)).catch((error: unknown) => {
      throw fileError(error, file) ?? error;
    });
  }

  /** Notes who did it and forgets the oldest backups. The config is in place: nothing here undoes it. */
  async #note(
    entry: ConfigEntry,
    backup: string,
    note: ChangeNote & { changed: string[] },
    spare?: string,
  ): Promise<void> {
    const { history, log } = this.#deps;
    try {
      const gone = await pruneBackups(entry.dir, spare);
      const change: ConfigChange = {
        at: new Date().toISOString(),
        actor: { id: note.actor.id, label: note.actor.label ?? null },
        reason: note.reason,
        detail: note.detail ?? null,
        changed: note.changed,
      };
      history.record(entry.app, backup, change, gone);
    } catch (err) {
      log.warn({ app: entry.app, err }, 'the config change could not be recorded');
    }
  }
}
