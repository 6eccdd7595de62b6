import { chmod, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { AppService } from '#daemon/apps/registry/service.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { JobRun } from '#daemon/platform/jobs/handler.ts';
import { VERSION } from '#daemon/platform/version.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import { ApiError } from '#shared/errors.ts';
import { syncFolder } from '#shared/files/atomic-file.ts';
import { count, plural } from '#shared/format.ts';
import { iso } from '#shared/instants.ts';
import type { BackupLack } from '#shared/schema/backups.ts';
import { FORMAT, type Manifest, type SchemaVersions } from './manifest.ts';
import { storedObject } from './places.ts';
import type { BackupScheduler } from './plan.ts';
import type { BackupRepository, BackupRow, NewBackup } from './repository.ts';
import { cancelRestore, prepareRestore, stagedFolder } from './restore.ts';
import { buildFolder, type RestoredApp, secretsOf, teamOf } from './restore-app.ts';
import type { FindOwnerInput } from './tasks/find-owner.ts';
import { FIND_OWNER } from './tasks.ts';
import type { BackupWork } from './work.ts';

export interface BackupInput {
  backupId: number;
  /** It came with the request and is only in memory: the stored one is not what the caller meant. */
  ownPassphrase?: boolean;
}

export interface CreateInput extends BackupInput {
  /** How it began, for a retry: of a cancelled one, nothing else is left. Jobs of older versions don't have it. */
  row?: NewBackup;
  recordings: boolean;
  logs: boolean;
}

export interface ReadInput extends BackupInput {
  /** The monthly test: the result is noted in the plan. */
  isTest?: boolean;
}

export interface RestoreInput extends BackupInput {
  /** null = everything. */
  app: string | null;
  name: string;
  roomPrefix: string;
}

export interface RunDeps {
  dataDir: string;
  repository: BackupRepository;
  work: BackupWork;
  scheduler(): BackupScheduler;
  apps: AppService;
  teams(): readonly { id: string }[];
  pool: WorkerPool;
  schema: SchemaVersions;
  installation: string;
  /** What is outside of DATA_DIR. */
  outside(): BackupLack[];
  /** The passphrase for a job. @throws ApiError BACKUP_PASSPHRASE_MISSING */
  passphrase(input: BackupInput): string;
  /** Of new backups; see `passphraseRecipient`. */
  passphraseWork: number;
  clock: Clock;
}

/** The work of the jobs. Each begins again after a kill: what it had unpacked or written is removed first. */
export class BackupRuns {
  readonly #deps: RunDeps;

  constructor(deps: RunDeps) {
    this.#deps = deps;
  }

  /** Before a job is retried. @throws ApiError JOB_OUTDATED */
  begunAgain({ backupId, row }: BackupInput & Pick<CreateInput, 'row'>, job: number): void {
    const { repository } = this.#deps;
    if (row !== undefined) repository.noteJob(repository.insert(row, backupId), job);
    else if (repository.get(backupId) === undefined) throw new ApiError('JOB_OUTDATED', { what: 'The backup' });
  }

  /** Writes and verifies a backup. */
  async write({ id, input, signal, save }: JobRun<CreateInput, null>): Promise<object> {
    const { repository, work, dataDir, schema, installation, clock, passphrase, passphraseWork } = this.#deps;
    const row = requireBackup(repository, input.backupId);
    const { recordings, logs } = input;
    const part = path.join(folderOf(dataDir), `.${row.name}.part`);
    const copies = workFolder(dataDir, id);
    try {
      const { manifest, files, size } = await work.write(
        {
          collect: {
            dataDir,
            work: copies,
            recordings,
            logs,
            lacks: this.#deps.outside(),
            facts: { format: FORMAT, version: VERSION, installation, schema },
          },
          passphrase: passphrase(input),
          passphraseWork,
          file: part,
        },
        storedObject(row),
        { signal, tell: (progress) => save(null, progress) },
      );
      if (row.place === null) {
        await chmod(part, 0o600);
        await rename(part, fileOf(dataDir, row));
        await syncFolder(folderOf(dataDir));
      }
      repository.written(row.id, manifest, files, size, iso(clock.now()));
      return { backupId: row.id, name: row.name, sizeBytes: size, files, lacks: manifest.lacks };
    } finally {
      await rm(part, { force: true });
      await rm(copies, { recursive: true, force: true });
    }
  }

  /** Reads a backup to its end; the monthly test unpacks it. */
  async verify({ id, input, signal, save }: JobRun<ReadInput, null>): Promise<object> {
    const { repository, work, dataDir, schema, clock, passphrase } = this.#deps;
    const row = readyBackup(repository, input.backupId);
    const at = (): string => iso(clock.now());
    const mode = input.isTest ? 'unpack' : 'check';
    try {
      const { manifest, files, rows, databases } = await work.read(
        {
          file: fileOf(dataDir, row),
          passphrase: passphrase(input),
          into: workFolder(dataDir, id),
          mode,
          app: null,
          knows: schema,
        },
        storedObject(row),
        { signal, tell: (progress) => save(null, progress) },
      );
      repository.verified(row.id, at(), null, { summary: manifest, files });
      if (!input.ownPassphrase) repository.opened(row.id);
      const text = `${plural(files, 'file')}, ${plural(databases, 'database')}, ${count(rows)} rows`;
      if (input.isTest) this.#noteTest(row, true, text);
      return { backupId: row.id, files, databases, rows };
    } catch (error) {
      if (error instanceof ApiError && ['BACKUP_DAMAGED', 'FILE_MISSING'].includes(error.code))
        repository.verified(row.id, at(), error.message);
      if (input.isTest && error instanceof ApiError) this.#noteTest(row, false, error.message);
      throw error;
    } finally {
      await rm(workFolder(dataDir, id), { recursive: true, force: true });
    }
  }

  /** Unpacks everything for the next start, or adds one app. */
  async restore({ id, input, signal, save, actor }: JobRun<RestoreInput, null>): Promise<object> {
    const { repository, work, schema, dataDir, apps, pool, teams, passphrase } = this.#deps;
    const row = readyBackup(repository, input.backupId);
    const whole = input.app === null;
    const into = whole ? stagedFolder(dataDir) : workFolder(dataDir, id);
    if (whole) await cancelRestore(dataDir);
    const { manifest } = await work.read(
      {
        file: fileOf(dataDir, row),
        passphrase: passphrase(input),
        into,
        mode: 'unpack',
        app: input.app,
        knows: schema,
      },
      storedObject(row),
      { signal, tell: (progress) => save(null, progress) },
    );
    if (input.app === null) {
      await prepareRestore(dataDir, row.name, manifest);
      return { backupId: row.id, takesEffect: 'restart' };
    }
    try {
      const known = manifest.apps.find(({ name }) => name === input.app);
      if (known === undefined) throw new ApiError('BACKUP_APP_MISSING', { name: input.app });
      const { name, roomPrefix } = input;
      const owner = await this.#ownerOf(known, path.join(into, 'apps', known.name, 'app.db'), signal);
      const app: RestoredApp = { from: known.name, name, roomPrefix, isCopy: owner !== null };
      const displayName = name === known.name || known.displayName !== known.name ? known.displayName : name;
      const tenantId = teamOf(known, teams());
      const stored = await secretsOf(into, app);
      await apps.install({ name, displayName, roomPrefix, tenantId }, null, actor, () =>
        buildFolder(path.join(into, 'apps', app.from), path.join(dataDir, 'apps'), app, pool, stored),
      );
      const lacks = manifest.lacks.filter(({ code }) => code === 'recordings');
      if (owner !== null)
        lacks.push({
          code: 'original',
          text: `Objects in buckets, ingests and pending callbacks stay with the app ${owner}.`,
        });
      return { backupId: row.id, app: name, secrets: Object.keys(stored).length, lacks };
    } finally {
      await rm(into, { recursive: true, force: true });
    }
  }

  /** The app that has the objects in buckets and the ingests of one that is restored; null = they are its own. */
  async #ownerOf(
    { name, copiedAt }: Manifest['apps'][number],
    database: string,
    signal: AbortSignal,
  ): Promise<string | null> {
    const { apps, pool } = this.#deps;
    const { registry } = apps;
    const namesake = registry.get(name);
    // one that was made since is another app, or was itself restored from a backup
    if (namesake !== undefined && namesake.createdAt <= copiedAt) return name;
    const others = [...registry.entries()].map((other) => ({
      name: other.name,
      database: path.join(apps.dir(other.name), 'app.db'),
      isNamesake: other === namesake,
    }));
    return pool.run<FindOwnerInput, string | null>(FIND_OWNER, { database, others }, { signal });
  }

  #noteTest({ name }: BackupRow, isOk: boolean, text: string): void {
    const scheduler = this.#deps.scheduler();
    const at = iso(this.#deps.clock.now());
    scheduler.write({ ...scheduler.read(), lastTest: { at, backup: name, ok: isOk, text } });
  }
}

export const folderOf = (dataDir: string): string => path.join(dataDir, 'backups');
export const fileOf = (dataDir: string, { name }: BackupRow): string => path.join(folderOf(dataDir), name);
const workFolder = (dataDir: string, job: number): string => path.join(folderOf(dataDir), `.work-${job}`);

/** @throws ApiError BACKUP_UNKNOWN */
export function requireBackup(repository: BackupRepository, id: number): BackupRow {
  const row = repository.get(id);
  if (row === undefined) throw new ApiError('BACKUP_UNKNOWN', { id });
  return row;
}

/** A backup that was written. @throws ApiError BACKUP_UNKNOWN */
export function readyBackup(repository: BackupRepository, id: number): BackupRow {
  const row = requireBackup(repository, id);
  if (row.state !== 'ready') throw new ApiError('BACKUP_UNKNOWN', { id });
  return row;
}
