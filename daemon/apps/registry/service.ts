import { access, constants, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Background } from '#daemon/platform/background.ts';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import { LADDER_BYTES, STORED_BYTES } from '#daemon/platform/db/app/sums.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import { fileError, ifMissing } from '#daemon/platform/files/file-errors.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import type { Log } from '#daemon/platform/log.ts';
import { PLATFORM, type Principal } from '#daemon/platform/principal.ts';
import { isGlobal, isWithin, visibleApps } from '#shared/access.ts';
import { slugOf } from '#shared/config/defaults.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import { PREFIX_HELD_SECONDS, PREFIXES_HELD_PER_TEAM } from '#shared/limits.ts';
import type { PrefixClaim } from '#shared/rules/rooms.ts';
import type { AppRecord, AppSizes, CreateAppBody, HeldPrefix } from '#shared/schema/apps.ts';
import { ROOM_PREFIX_PATTERN } from '#shared/schema/common.ts';
import type { AppEntry, AppRegistry, Trouble } from './registry.ts';
import type { AppRepository } from './repository.ts';
import { recoverScaffolds, type Scaffold, scaffoldApp } from './scaffold.ts';

const PREFIX = new RegExp(ROOM_PREFIX_PATTERN);

/** What the registry needs to know of a new app. */
export interface NewApp {
  name: string;
  displayName: string;
  roomPrefix: string;
  tenantId: string;
}

export interface AppServiceDeps {
  /** The apps in memory; filled by `start()`. */
  registry: AppRegistry;
  appsDir: string;
  repository: AppRepository;
  databases: AppDatabases;
  events: EventBus;
  background: Background;
  /** Text of a new app's config.yaml. */
  renderConfig(name: string, options: { displayName: string; roomPrefix: string }): string | Promise<string>;
  /** Throws QUOTA_EXCEEDED when the tenant may have no further app. */
  checkQuota(principal: Principal | null, tenantId: string, pending: number): void;
  /** Stores these secrets of an app, by name, and forgets all others of it. */
  replaceSecrets(app: string, values: Readonly<Record<string, string>>): Promise<void>;
  log: Log<'warn'>;
  clock?: Clock;
}

/** The registry of apps: each a folder, a row and a room prefix. */
export class AppService {
  readonly registry: AppRegistry;
  readonly #deps: AppServiceDeps;
  readonly #clock: Clock;
  /** Names and slugs of creates under way, so that of two at the same time exactly one wins. */
  readonly #reserved = new Set<string>();
  /** Creates under way, by team, so that several at the same time do not pass a quota together. */
  readonly #pending = new Map<string, number>();

  constructor(deps: AppServiceDeps) {
    this.#deps = deps;
    this.registry = deps.registry;
    this.#clock = deps.clock ?? SYSTEM_CLOCK;
  }

  async start(): Promise<void> {
    await makeFolder(this.#deps.appsDir);
    for (const row of this.#deps.repository.all()) this.registry.put(row);
    this.registry.holdPrefixes(this.#deps.repository.released());
    for (const { app, older } of this.registry.prefixRivals())
      this.#deps.log.warn(
        { app: app.name, prefix: app.roomPrefix, olderApp: older.name, olderPrefix: older.roomPrefix },
        'two teams have apps with overlapping room prefixes; rooms that match both belong to the older app',
      );
    const { background, appsDir } = this.#deps;
    await background.run('unfinished apps', () =>
      recoverScaffolds(appsDir, (name) => this.registry.get(name) !== undefined),
    );
  }

  /** Directory of an app. */
  dir(name: string): string {
    return path.join(this.#deps.appsDir, name);
  }

  /** @throws ApiError APP_NOT_FOUND */
  require(name: string): AppEntry {
    return this.registry.require(name);
  }

  get(name: string): AppRecord {
    return this.registry.record(this.require(name));
  }

  /** The apps that a caller may see, by name. */
  visible(principal: Principal): readonly AppRecord[] {
    return this.registry.visible(visibleApps(principal));
  }

  /**
   * Creates an app. Of several creates with one name exactly one succeeds; a failure leaves nothing behind.
   * @param given its team, and its config in place of the default one; the config is valid
   */
  async create(
    body: CreateAppBody,
    principal: Principal | null,
    actor: Actor,
    given: { tenantId?: string; config?: { text: string; displayName: string; roomPrefix: string } } = {},
  ): Promise<AppRecord> {
    const tenantId = given.tenantId ?? (principal === null || isGlobal(principal) ? PLATFORM : principal.tenantId);
    if (tenantId === null) throw new ApiError('NO_TENANT');
    const { name } = body;
    const roomPrefix = given.config?.roomPrefix ?? ((body.roomPrefix ?? '').trim().toLowerCase() || name);
    if (!PREFIX.test(roomPrefix)) throw fieldError('body.roomPrefix', `must match ${ROOM_PREFIX_PATTERN}`);
    const displayName = given.config?.displayName ?? ((body.displayName ?? '').trim() || name);
    const { appsDir, databases, renderConfig } = this.#deps;
    return this.install({ name, displayName, roomPrefix, tenantId }, principal, actor, async () =>
      scaffoldApp(appsDir, name, {
        config: given.config?.text ?? (await renderConfig(name, { displayName, roomPrefix })),
        database: databases.template(),
      }),
    );
  }

  /**
   * Reserves name and room prefix of an app to come.
   * @returns ends the reservation
   * @throws ApiError APP_EXISTS, APP_SLUG_TAKEN, ROOM_PREFIX_TAKEN, QUOTA_EXCEEDED
   */
  claim(app: Omit<NewApp, 'displayName'>, principal: Principal | null): () => void {
    return this.#admit(app, principal, 0);
  }

  /**
   * Registers an app whose folder is built by `build`, beside its place.
   * @throws ApiError APP_EXISTS, APP_SLUG_TAKEN, ROOM_PREFIX_TAKEN, APP_DIRECTORY_EXISTS, QUOTA_EXCEEDED
   */
  async install(
    app: NewApp,
    principal: Principal | null,
    actor: Actor,
    build: () => Promise<Scaffold>,
  ): Promise<AppRecord> {
    const { name, roomPrefix, tenantId } = app;
    const pending = this.#pending.get(tenantId) ?? 0;
    const release = this.#admit({ name, roomPrefix, tenantId }, principal, pending);
    this.#pending.set(tenantId, pending + 1);
    try {
      return await this.#build(app, actor, build);
    } finally {
      release();
      const left = (this.#pending.get(tenantId) ?? 1) - 1;
      if (left > 0) this.#pending.set(tenantId, left);
      else this.#pending.delete(tenantId);
    }
  }

  /** Keeps the registry in step with the active config. */
  sync(name: string, values: { displayName: string; roomPrefix: string }): void {
    const app = this.require(name);
    const updatedAt = new Date().toISOString();
    const { repository } = this.#deps;
    this.registry.claimPrefix({ ...app, roomPrefix: values.roomPrefix })();
    repository.transaction(() => {
      if (app.roomPrefix !== values.roomPrefix) this.#hold(app);
      repository.sync(app.id, values.displayName, values.roomPrefix, updatedAt);
    });
    this.registry.holdPrefixes(repository.released());
    this.registry.replace({ ...app, ...values, updatedAt });
  }

  /** Prefixes that were given up and are still kept for their teams, by prefix. */
  heldPrefixes(): HeldPrefix[] {
    const now = new Date(this.#clock.now()).toISOString();
    const held = this.#deps.repository.released().filter(({ held_until }) => held_until > now);
    return held.map(({ prefix, tenant_id, app, released_at, held_until }) => ({
      prefix,
      tenantId: tenant_id,
      app,
      releasedAt: released_at,
      heldUntil: held_until,
    }));
  }

  /** Frees a prefix for other teams before its time. @throws ApiError PREFIX_NOT_HELD */
  freePrefix(prefix: string): HeldPrefix[] {
    const { repository } = this.#deps;
    const held = this.heldPrefixes().filter((one) => one.prefix === prefix);
    if (held.length === 0) throw new ApiError('PREFIX_NOT_HELD', { prefix });
    repository.free(prefix);
    this.registry.holdPrefixes(repository.released());
    return held;
  }

  /** Notes why an app's config file isn't active; null = it is. */
  noteConfigProblem(name: string, problem: AppEntry['configProblem']): void {
    const app = this.registry.get(name);
    if (app === undefined || app.configProblem?.message === problem?.message) return;
    const noted = problem && { message: problem.message, since: problem.since };
    this.registry.replace({ ...app, configProblem: noted });
  }

  /** Notes a problem of the running app; null = it is over. */
  noteTrouble(name: string, code: Trouble, trouble: { message: string; since: string } | null): void {
    const app = this.registry.get(name);
    if (app === undefined || app.troubles[code]?.message === trouble?.message) return;
    const { [code]: _before, ...others } = app.troubles;
    this.registry.replace({ ...app, troubles: trouble === null ? others : { ...others, [code]: trouble } });
  }

  /** Notes whether the daemon has the right to use the app's database. */
  lookAtDatabase(name: string): void {
    const refusal = this.#deps.databases.refusal(name);
    // paths below DATA_DIR: the app's team sees this, too
    const root = path.dirname(this.#deps.appsDir) + path.sep;
    const words = refusal && `${refusal.message} ${refusal.hint ?? ''}`.replaceAll(root, '');
    const app = this.registry.get(name);
    if (app === undefined || app.fileProblem?.message === words) return;
    const fileProblem = words === undefined ? null : { message: words, since: new Date().toISOString() };
    this.registry.replace({ ...app, fileProblem });
  }

  /**
   * Makes sure that nothing is deleted that could not be read: the app's folder with its folders, config and database are accessible
   * or missing.
   * @throws ApiError that names the file and what to do
   */
  async requireAccessible(name: string): Promise<void> {
    const { R_OK, W_OK, X_OK } = constants;
    const dir = this.dir(name);
    const inside = await readdir(dir, { withFileTypes: true }).catch(() => []);
    const folders = inside.filter((entry) => entry.isDirectory()).map((entry) => path.join(dir, entry.name));
    for (const [file, mode] of [
      ...[dir, ...folders].map((folder) => [folder, R_OK | W_OK | X_OK] as const),
      [path.join(dir, 'config.yaml'), R_OK],
      [this.#deps.databases.file(name), R_OK | W_OK],
    ] as const) {
      await access(file, mode)
        .catch(ifMissing(undefined))
        .catch((error: unknown) => {
          throw fileError(error, file) ?? error;
        });
    }
  }

  /** Marks an app as being deleted, or takes the mark back. */
  markDeleting(name: string, deleting: boolean): void {
    const app = this.require(name);
    this.#deps.repository.mark(app.id, deleting);
    this.registry.replace({ ...app, deleting });
  }

  /** Takes the app out of the registry; its tokens cascade away. The caller removes the files. */
  remove(name: string, actor: Actor): void {
    const app = this.require(name);
    const { repository } = this.#deps;
    repository.transaction(() => {
      this.#hold(app);
      repository.remove(app.id);
    });
    this.registry.holdPrefixes(repository.released());
    this.registry.remove(name);
    this.#deps.events.publish({
      type: 'app.deleted',
      app: name,
      tenant: app.tenantId,
      actor,
      data: { id: app.id, name },
    });
  }

  /** Makes the folder of an app again when it is gone from the disk, with an empty database and no config. */
  async restoreFolder(name: string): Promise<void> {
    if (await exists(this.dir(name))) return;
    const { appsDir, databases, log } = this.#deps;
    databases.close(name);
    const scaffold = await scaffoldApp(appsDir, name, { database: databases.template() });
    await scaffold.commit();
    log.warn({ app: name }, 'the folder of the app was missing; it was created again, without recordings and history');
  }

  /** A missing or broken database counts as zero. @throws the system's error for files that cannot be looked at */
  async sizes(name: string): Promise<AppSizes> {
    this.require(name);
    const file = this.#deps.databases.file(name);
    const bytes = await Promise.all(
      [file, `${file}-wal`, `${file}-shm`].map((f) =>
        stat(f)
          .then((s) => s.size)
          .catch(ifMissing(0)),
      ),
    );
    let vods = { count: 0, failed: 0, bytes: 0, ladders: 0 };
    try {
      vods = this.#deps.databases
        .get(name)
        .prepare<[], typeof vods>(
          `SELECT count(*) AS count, count(*) FILTER (WHERE status = 'failed') AS failed,
             ${STORED_BYTES} AS bytes, ${LADDER_BYTES} AS ladders FROM vods`,
        )
        .get() as typeof vods;
    } catch (error) {
      this.#deps.log.warn({ app: name, err: error }, 'app.db cannot be read');
    }
    return {
      app: name,
      dbSizeBytes: bytes.reduce((a, b) => a + b, 0),
      vodTotalBytes: vods.bytes,
      vodLadderBytes: vods.ladders,
      vodCount: vods.count,
      vodFailed: vods.failed,
    };
  }

  /** Text of a sample page. */
  async sample(name: string, file: string): Promise<string> {
    this.require(name);
    try {
      return await readFile(path.join(this.dir(name), 'samples', file), 'utf8');
    } catch (error) {
      ifMissing(undefined)(error as NodeJS.ErrnoException);
      throw new ApiError('SAMPLE_NOT_FOUND', { name, file });
    }
  }

  /** Keeps an app's prefix for its team: join tokens for its rooms can still be valid. */
  #hold(app: AppEntry): void {
    const { repository } = this.#deps;
    const now = this.#clock.now();
    repository.forgetReleased(new Date(now).toISOString());
    if (this.registry.isOutranked(app)) return;
    const row = {
      prefix: app.roomPrefix,
      tenant_id: app.tenantId,
      app: app.name,
      released_at: new Date(now).toISOString(),
      held_until: new Date(now + PREFIX_HELD_SECONDS * 1000).toISOString(),
    };
    repository.hold(row, PREFIXES_HELD_PER_TEAM);
  }

  /** Reserves, then asks for the quota: a conflict is the better answer. */
  #admit(claim: Omit<PrefixClaim, 'id'>, principal: Principal | null, pending: number): () => void {
    const release = this.#reserve(claim, principal);
    try {
      this.#deps.checkQuota(principal, claim.tenantId, pending);
    } catch (error) {
      release();
      throw error;
    }
    return release;
  }

  #reserve(claim: Omit<PrefixClaim, 'id'>, principal: Principal | null): () => void {
    const { name } = claim;
    const slug = slugOf(name);
    if (this.registry.get(name) !== undefined || this.#reserved.has(`name ${name}`))
      throw new ApiError('APP_EXISTS', { name });
    const twin = this.registry.bySlug(slug);
    if (twin !== undefined) {
      const isVisible =
        principal === null || isWithin(visibleApps(principal), { appId: twin.id, tenantId: twin.tenantId });
      throw new ApiError('APP_SLUG_TAKEN', { name, other: isVisible ? twin.name : 'another app' });
    }
    if (this.#reserved.has(`slug ${slug}`)) throw new ApiError('APP_SLUG_TAKEN', { name, other: 'another app' });
    const releasePrefix = this.registry.claimPrefix(claim);
    const keys = [`name ${name}`, `slug ${slug}`];
    for (const key of keys) this.#reserved.add(key);
    return () => {
      releasePrefix();
      for (const key of keys) this.#reserved.delete(key);
    };
  }

  async #build(
    { name, displayName, roomPrefix, tenantId }: NewApp,
    actor: Actor,
    build: () => Promise<Scaffold>,
  ): Promise<AppRecord> {
    const { repository, replaceSecrets } = this.#deps;
    if (await exists(this.dir(name))) throw new ApiError('APP_DIRECTORY_EXISTS', { name });
    const scaffold = await build();
    let id: number | undefined;
    try {
      // the name can have secrets of an app that is gone, or whose creation was killed
      await replaceSecrets(name, scaffold.secrets ?? {});
      const createdAt = new Date().toISOString();
      const row = {
        name,
        display_name: displayName,
        livekit_room_prefix: roomPrefix,
        slug: slugOf(name),
        created_at: createdAt,
        tenant_id: tenantId,
      };
      id = repository.insert(row);
      await scaffold.settle?.(id);
      await scaffold.commit();
      const entry = this.registry.put({ ...row, id, updated_at: createdAt, settings_json: null, deleting: 0 });
      this.#deps.events.publish({
        type: 'app.created',
        app: name,
        tenant: tenantId,
        actor,
        data: { id, name, displayName, roomPrefix },
      });
      return this.registry.record(entry);
    } catch (error) {
      if (id !== undefined) repository.remove(id);
      await scaffold.discard();
      await replaceSecrets(name, {});
      throw error;
    }
  }
}

/** @throws the system's error when it cannot be looked at: unreadable is not missing */
const exists = (file: string): Promise<boolean> =>
  stat(file)
    .then(() => true)
    .catch(ifMissing(false));
