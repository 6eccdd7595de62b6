import { createReadStream } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import type { Background } from '#daemon/platform/background.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import { ifMissing } from '#daemon/platform/files/file-errors.ts';
import { type Actor, SYSTEM } from '#daemon/platform/http/types.ts';
import type { JobRun } from '#daemon/platform/jobs/handler.ts';
import type { JobService } from '#daemon/platform/jobs/service.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { SecretFile } from '#daemon/platform/secrets/secret-file.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import { fileStamp } from '#shared/files/set-aside.ts';
import { iso } from '#shared/instants.ts';
import {
  type Backup,
  type BackupLack,
  type BackupPlan,
  type BackupPlanBody,
  type BackupStorageBody,
  type BackupStorageView,
  type CreateBackupBody,
  OWN_STORAGE,
  type RestoreBackupBody,
} from '#shared/schema/backups.ts';
import type { Job, JobKind } from '#shared/schema/jobs.ts';
import type { S3TestResult } from '#shared/schema/s3.ts';
import { BACKUP_NAME, SUFFIX } from './manifest.ts';
import { type BackupPlaces, placeWords, storedObject } from './places.ts';
import { cronOf, type StoredPlan } from './plan.ts';
import type { BackupFacts, BackupRow, NewBackup } from './repository.ts';
import { cancelRestore, pendingRestore } from './restore.ts';
import { teamOf } from './restore-app.ts';
import {
  type BackupInput,
  BackupRuns,
  type CreateInput,
  fileOf,
  folderOf,
  type ReadInput,
  type RestoreInput,
  type RunDeps,
  readyBackup,
  requireBackup,
} from './runs.ts';
import type { BackupStorage } from './storage.ts';

/** Name of the passphrase in the secret store. */
const PASSPHRASE = 'BACKUP_PASSPHRASE';
const FOUND = { state: 'ready', origin: 'found', own_passphrase: 1 } as const;
const KINDS = ['backup-create', 'backup-verify', 'backup-restore'] as const;

export interface BackupServiceDeps extends Omit<RunDeps, 'passphrase'> {
  jobs: JobService;
  secrets: SecretFile;
  places: BackupPlaces;
  own: BackupStorage;
  events: EventBus;
  background: Background;
  /** The time by which what is old is deleted. */
  retentionNow(): number;
  log: Log<'info' | 'warn'>;
}

/** Backups of the whole data directory: made, verified, kept, restored. */
export class BackupService {
  readonly #deps: BackupServiceDeps;
  readonly #folder: string;
  /** Passphrases that were sent with a request, by backup; never on the disk. */
  readonly #given = new Map<number, string>();

  constructor(deps: BackupServiceDeps) {
    this.#deps = deps;
    this.#folder = folderOf(deps.dataDir);
    const runs = new BackupRuns({ ...deps, passphrase: (input) => this.#passphrase(input) });
    const handle = <I>(kind: JobKind, run: (run: JobRun<I, null>) => Promise<object>): void => {
      deps.jobs.register<I, null>({
        kind,
        atOnce: 1,
        prepare: (input, id) => {
          if (id === undefined) return;
          this.#requireIdle(id);
          runs.begunAgain(input as CreateInput, id);
          this.#announce(SYSTEM);
        },
        run: async (job) => run(job),
        isCancellable: () => true,
        ended: (input, state) => {
          const { backupId } = input as BackupInput;
          if (state !== 'waiting') this.#noteEnd(kind, backupId, state === 'cancelled');
        },
      });
    };
    handle<CreateInput>('backup-create', (run) => runs.write(run));
    handle<ReadInput>('backup-verify', (run) => runs.verify(run));
    handle<RestoreInput>('backup-restore', (run) => runs.restore(run));
  }

  /** Makes the folder, and takes up files in it that the registry doesn't know. */
  async start(): Promise<void> {
    const { repository, clock } = this.#deps;
    await makeFolder(this.#folder);
    const names = await readdir(this.#folder);
    repository.settleRestored(names);
    for (const name of names.filter((one) => BACKUP_NAME.test(one))) {
      if (repository.named(name) !== undefined) continue;
      const { size, mtimeMs } = await stat(path.join(this.#folder, name));
      const facts = { ...FOUND, destination: '', object_key: null, place: null };
      repository.insert({ ...facts, name, size, created_at: iso(Math.min(mtimeMs, clock.now())) });
    }
    // those of jobs that go on begin again
    for (const name of names.filter((one) => one.startsWith('.')))
      await rm(path.join(this.#folder, name), { recursive: true, force: true });
  }

  list(): Backup[] {
    return this.#deps.repository.all().map((row) => this.#view(row));
  }

  get(id: number): Backup {
    return this.#view(this.#require(id));
  }

  /** @throws ApiError BACKUP_BUSY, BACKUP_PASSPHRASE_MISSING, BACKUP_DESTINATION_UNUSABLE */
  async create(body: CreateBackupBody, actor: Actor, origin: 'request' | 'schedule' = 'request'): Promise<Job> {
    const { repository, clock, installation, places, secrets } = this.#deps;
    const { destination = '', recordings = false, logs = true, passphrase } = body;
    this.#requirePassphrase(passphrase);
    const to = await places.of(destination);
    this.#requireIdle();
    const at = clock.now();
    const name = `streamhub-${installation}-${fileStamp(new Date(at))}${SUFFIX}`;
    const object_key = to === null ? null : `${to.folder}/${name}`;
    const row: NewBackup = {
      name,
      state: 'writing',
      origin,
      destination,
      place: to === null ? null : to.place,
      object_key,
      own_passphrase: passphrase === undefined || passphrase === secrets.get(PASSPHRASE) ? 0 : 1,
      created_at: iso(at),
    };
    const input: CreateInput = { backupId: repository.insert(row), row, recordings, logs };
    return this.#begin('backup-create', 'Back up everything', input, actor, passphrase, 3);
  }

  /** @throws ApiError BACKUP_UNKNOWN, BACKUP_BUSY, BACKUP_PASSPHRASE_MISSING */
  verify(id: number, passphrase: string | undefined, actor: Actor, isTest = false): Job {
    const row = this.#requireReady(id);
    this.#requirePassphrase(passphrase);
    this.#requireIdle();
    const input: ReadInput = { backupId: id, ...(isTest ? { isTest } : {}) };
    return this.#begin('backup-verify', `Verify the backup ${row.name}`, input, actor, passphrase, 2);
  }

  /** @throws ApiError BACKUP_UNKNOWN, BACKUP_BUSY, BACKUP_PASSPHRASE_MISSING, BACKUP_APP_MISSING, and those of `AppService.claim` */
  restore(id: number, body: RestoreBackupBody, actor: Actor): Job {
    const row = this.#requireReady(id);
    const { app = null, as: name = app ?? '', passphrase } = body;
    if (app === null && (body.as !== undefined || body.roomPrefix !== undefined))
      throw fieldError('body.app', 'is needed with as or roomPrefix');
    const { apps, teams } = this.#deps;
    const known = row.summary?.apps.find((one) => one.name === app);
    const roomPrefix = body.roomPrefix ?? (name === app ? (known?.roomPrefix ?? name) : name);
    if (app !== null) {
      if (row.summary !== null && known === undefined) throw new ApiError('BACKUP_APP_MISSING', { name: app });
      // of a backup that was found and not read yet, the app's team isn't known: the job decides the rest
      if (known !== undefined) apps.claim({ name, roomPrefix, tenantId: teamOf(known, teams()) }, null)();
      else if (apps.registry.get(name) !== undefined) throw new ApiError('APP_EXISTS', { name });
    }
    this.#requirePassphrase(passphrase);
    this.#requireIdle();
    const title = app === null ? `Prepare the restore of ${row.name}` : `Restore the app ${app} as ${name}`;
    const input: RestoreInput = { backupId: id, app, name, roomPrefix };
    return this.#begin('backup-restore', title, input, actor, passphrase, 2);
  }

  /** Deletes a backup and its file. @throws ApiError BACKUP_UNKNOWN, BACKUP_BUSY, BACKUP_STORAGE_FAILED */
  async remove(id: number, actor: Actor): Promise<Backup> {
    const row = this.#require(id);
    if (this.#active().some(({ input }) => input.backupId === id)) this.#requireIdle();
    await this.#removeFile(row);
    this.#deps.repository.remove(id);
    await this.#deps.own.forgetUnused();
    this.#announce(actor);
    return this.#view(row);
  }

  /** A backup's name and size, and its bytes. @throws ApiError BACKUP_UNKNOWN, FILE_MISSING */
  async download(
    id: number,
  ): Promise<{ name: string; size: number; open(range: { start: number; end: number }): Promise<Readable> }> {
    const { dataDir, work } = this.#deps;
    const row = this.#requireReady(id);
    const { name } = row;
    const stored = storedObject(row);
    if (stored !== null) return { name, size: row.size_bytes, open: (range) => work.open(stored, range) };
    const file = fileOf(dataDir, row);
    const facts = await stat(file).catch(ifMissing(undefined));
    if (facts === undefined) throw new ApiError('FILE_MISSING');
    return { name, size: facts.size, open: async (range) => createReadStream(file, range) };
  }

  /** The storage that only backups use. */
  storage(): BackupStorageView {
    return this.#deps.own.view();
  }

  /** Sets it, and takes up the backups that are there. @throws ApiError VALIDATION_FAILED, and those of providers */
  async putStorage(body: BackupStorageBody, actor: Actor): Promise<BackupStorageView> {
    const view = await this.#deps.own.put(body);
    this.#announce(actor);
    this.#deps.background.run('backups in the storage', () => this.#find());
    return view;
  }

  testStorage(body: BackupStorageBody): Promise<S3TestResult> {
    return this.#deps.own.test(body);
  }

  /** @throws ApiError BACKUP_STORAGE_IN_USE */
  async removeStorage(actor: Actor): Promise<void> {
    if (this.#deps.scheduler().read().destination === OWN_STORAGE) throw new ApiError('BACKUP_STORAGE_IN_USE');
    await this.#deps.own.remove();
    this.#announce(actor);
  }

  async plan(): Promise<BackupPlan> {
    const { dataDir, secrets } = this.#deps;
    const scheduler = this.#deps.scheduler();
    const { since: _, begunAt: __, refusal: ___, ...plan } = scheduler.read();
    const next = scheduler.next();
    const pending = await pendingRestore(dataDir);
    return {
      ...plan,
      hasPassphrase: secrets.get(PASSPHRASE) !== undefined,
      nextAt: next === null ? null : iso(next),
      lacks: this.#lacks(plan),
      pendingRestore:
        pending === undefined
          ? null
          : { backup: pending.backup, createdAt: pending.createdAt, preparedAt: pending.preparedAt },
    };
  }

  /** @throws ApiError VALIDATION_FAILED, BACKUP_PASSPHRASE_MISSING, BACKUP_DESTINATION_UNUSABLE */
  async updatePlan(body: BackupPlanBody, actor: Actor): Promise<BackupPlan> {
    const { secrets, clock, repository } = this.#deps;
    const scheduler = this.#deps.scheduler();
    const { passphrase, ...changes } = body;
    await this.checkPlan(body);
    if (passphrase !== undefined && (passphrase ?? undefined) !== secrets.get(PASSPHRASE)) {
      await secrets.set({ [PASSPHRASE]: passphrase });
      repository.passphraseChanged();
    }
    // read now: a backup or a test may have been noted in the meantime
    const before = scheduler.read();
    const next = { ...before, ...changes, refusal: null };
    if (next.cron !== before.cron || next.monthlyTest !== before.monthlyTest) next.since = iso(clock.now());
    scheduler.write(next);
    this.#announce(actor);
    return this.plan();
  }

  /** Checks the plan as a change would make it. @throws ApiError as `updatePlan` */
  async checkPlan({ passphrase, ...body }: BackupPlanBody): Promise<void> {
    const next: StoredPlan = { ...this.#deps.scheduler().read(), ...body };
    if (body.cron) cronOf(body.cron);
    await this.#deps.places.of(next.destination);
    const isStored = this.#deps.secrets.get(PASSPHRASE) !== undefined;
    const willHave = passphrase === undefined ? isStored : passphrase !== null;
    if ((next.cron !== null || next.monthlyTest) && !willHave) throw new ApiError('BACKUP_PASSPHRASE_MISSING');
  }

  /** @throws ApiError RESTORE_NOT_PENDING */
  async cancelRestore(actor: Actor): Promise<void> {
    if (!(await cancelRestore(this.#deps.dataDir))) throw new ApiError('RESTORE_NOT_PENDING');
    this.#announce(actor);
  }

  /** What is wrong with backups now, in a sentence; undefined = nothing. */
  trouble(): string | undefined {
    const { repository } = this.#deps;
    const scheduler = this.#deps.scheduler();
    const rows = repository.facts();
    const newest = rows.find(({ state }) => state !== 'writing');
    if (newest?.state === 'failed') return `The last backup failed: ${newest.error}`;
    const unread = rows.find(({ verify_error }) => verify_error !== null);
    if (unread !== undefined) return `The backup ${unread.name} can’t be restored: ${unread.verify_error}`;
    const { lastTest, cron, refusal } = scheduler.read();
    if (cron !== null && refusal !== null) return `A backup was due, but couldn’t begin: ${refusal}`;
    if (lastTest?.ok === false) return `The monthly test of the backup ${lastTest.backup} failed: ${lastTest.text}`;
    const due = scheduler.overdue();
    return due === undefined ? undefined : `No backup was made since ${iso(due)}, when one was due`;
  }

  /** Begins the scheduled backup, unless another job works on backups. @returns whether it began @throws as `create` */
  async beginScheduled({ destination, recordings, logs }: StoredPlan): Promise<boolean> {
    if (this.#active().length > 0) return false;
    await this.create({ destination, recordings, logs }, SYSTEM, 'schedule');
    return true;
  }

  /** Begins the monthly test of the newest backup that the stored passphrase opens. */
  beginTest(): void {
    const isTestable = ({ state, own_passphrase }: BackupFacts): boolean => state === 'ready' && own_passphrase === 0;
    const newest = this.#deps.repository.facts().find(isTestable);
    if (newest === undefined || this.#active().length > 0) return;
    this.verify(newest.id, undefined, SYSTEM, true);
  }

  /** Deletes scheduled backups that are no longer to be kept. @throws what kept one of them, after the others */
  async tidy({ keepLast, keepDays }: StoredPlan): Promise<void> {
    const { repository, retentionNow } = this.#deps;
    const kept = repository.scheduled();
    const good = kept.filter(({ state }) => state === 'ready').slice(0, keepLast);
    const oldest = keepDays === 0 ? Number.POSITIVE_INFINITY : retentionNow() - keepDays * 86_400_000;
    const failures: unknown[] = [];
    for (const row of kept) {
      const isOld = keepDays === 0 ? kept.indexOf(row) >= keepLast : Date.parse(row.created_at) < oldest;
      if (!isOld || good.includes(row) || this.#active().some(({ input }) => input.backupId === row.id)) continue;
      try {
        await this.#removeFile(this.#require(row.id));
        repository.remove(row.id);
        this.#deps.log.info({ backup: row.name }, 'deleted an old backup');
        this.#announce(SYSTEM);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  #noteEnd(kind: JobKind, backupId: number, isCancelled: boolean): void {
    const { repository, clock } = this.#deps;
    const row = repository.get(backupId);
    if (kind === 'backup-create' && row?.state === 'writing') {
      const error = row.job_id === null ? undefined : this.#deps.jobs.find(row.job_id)?.error?.message;
      if (isCancelled) repository.remove(backupId);
      else repository.failed(backupId, error ?? 'it was ended', iso(clock.now()));
    }
    this.#given.delete(backupId);
    this.#announce(SYSTEM);
  }

  #begin(
    kind: (typeof KINDS)[number],
    title: string,
    given: BackupInput,
    actor: Actor,
    passphrase: string | undefined,
    maxAttempts: number,
  ): Job {
    const { jobs, repository } = this.#deps;
    // before the job, which begins immediately
    if (passphrase !== undefined) this.#given.set(given.backupId, passphrase);
    const input: BackupInput = passphrase === undefined ? given : { ...given, ownPassphrase: true };
    const job = jobs.create({ kind, title, app: null, appId: null, tenantId: null, input, maxAttempts, actor });
    repository.noteJob(input.backupId, job.id);
    this.#announce(actor);
    return job;
  }

  #active(): { job: Job; input: BackupInput }[] {
    return KINDS.flatMap((kind) => this.#deps.jobs.active<BackupInput>(kind));
  }

  #requireIdle(but?: number): void {
    const active = this.#active().find(({ job }) => job.id !== but);
    if (active !== undefined) throw new ApiError('BACKUP_BUSY', {}, { extra: { jobId: active.job.id } });
  }

  #requirePassphrase(given: string | undefined): void {
    if (given === undefined && this.#deps.secrets.get(PASSPHRASE) === undefined)
      throw new ApiError('BACKUP_PASSPHRASE_MISSING');
  }

  #passphrase({ backupId, ownPassphrase }: BackupInput): string {
    const found = ownPassphrase ? this.#given.get(backupId) : this.#deps.secrets.get(PASSPHRASE);
    if (found === undefined) throw new ApiError('BACKUP_PASSPHRASE_MISSING');
    return found;
  }

  #require(id: number): BackupRow {
    return requireBackup(this.#deps.repository, id);
  }

  #requireReady(id: number): BackupRow {
    return readyBackup(this.#deps.repository, id);
  }

  async #removeFile(row: BackupRow): Promise<void> {
    const stored = storedObject(row);
    if (stored === null) await rm(fileOf(this.#deps.dataDir, row), { force: true });
    else await this.#deps.places.remove(stored);
  }

  /** Takes up backups in the storage of backups that the registry doesn't know: those of another machine. */
  async #find(): Promise<void> {
    const { repository, places, clock } = this.#deps;
    for (const { name, size, key, place, at } of await places.listOwn()) {
      if (!BACKUP_NAME.test(name) || repository.named(name) !== undefined) continue;
      const created_at = iso(Math.min(Date.parse(at ?? '') || clock.now(), clock.now()));
      const facts = { ...FOUND, destination: OWN_STORAGE, object_key: key };
      repository.insert({ ...facts, name, size, place, created_at });
    }
    this.#announce(SYSTEM);
  }

  #lacks({ recordings, logs }: { recordings: boolean; logs: boolean }): BackupLack[] {
    return [
      ...(recordings ? [] : [{ code: 'recordings', text: 'Recordings and snapshots that are on this machine.' }]),
      ...(logs ? [] : [{ code: 'logs', text: 'The log of the daemon.' }]),
      ...this.#deps.outside(),
    ];
  }

  #view(row: BackupRow): Backup {
    const { summary } = row;
    return {
      id: row.id,
      name: row.name,
      state: row.state,
      origin: row.origin,
      destination: row.destination,
      place: placeWords(row),
      sizeBytes: row.size_bytes,
      version: summary?.version ?? null,
      apps: summary?.apps.map(({ name }) => name) ?? [],
      files: row.files,
      recordings: summary?.includes.recordings ?? false,
      logs: summary?.includes.logs ?? false,
      lacks: summary?.lacks ?? [],
      error: row.error,
      createdAt: row.created_at,
      finishedAt: row.finished_at,
      verifiedAt: row.verified_at,
      verifyError: row.verify_error,
      jobId: row.job_id,
    };
  }

  #announce(actor: Actor): void {
    this.#deps.events.publish({ type: 'backup.changed', actor, data: {} });
  }
}
