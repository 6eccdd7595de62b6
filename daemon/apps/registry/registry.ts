import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import { PLATFORM } from '#daemon/platform/principal.ts';
import type { VisibleApps } from '#shared/access.ts';
import { slugOf } from '#shared/config/defaults.ts';
import { ApiError } from '#shared/errors.ts';
import { type PrefixClaim, RoomPrefixes, shareRooms } from '#shared/rules/rooms.ts';
import type { AppRecord } from '#shared/schema/apps.ts';
import type { AppRow, ReleasedPrefixRow } from './repository.ts';

/** One app as the rest of the daemon sees it. */
export interface AppEntry {
  readonly id: number;
  readonly name: string;
  readonly displayName: string;
  readonly roomPrefix: string;
  readonly tenantId: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** It is being deleted, so no new work is started for it. */
  readonly deleting: boolean;
  /** Why the config file on disk isn't active. */
  readonly configProblem: { readonly message: string; readonly since: string } | null;
  /** Why the daemon may not use the app's database. */
  readonly fileProblem: { readonly message: string; readonly since: string } | null;
  /** What else is wrong while the app runs, by code. */
  readonly troubles: Readonly<Partial<Record<Trouble, { readonly message: string; readonly since: string }>>>;
}

/** Problems of a running app: its broker is away, its viewers are far behind. */
export type Trouble = 'MQTT_AWAY' | 'LATENCY_HIGH' | 'STORAGE_PROVIDER_MISSING';

/** All apps in memory, in step with the table, so that a look-up needs no query. */
export class AppRegistry {
  readonly #byName = new Map<string, AppEntry>();
  readonly #byId = new Map<number, AppEntry>();
  readonly #prefixes = new RoomPrefixes<AppEntry>();
  /** Prefixes of changes and creations under way. */
  readonly #claims = new RoomPrefixes<PrefixClaim>();
  /** Prefixes that were given up and are kept for their teams. */
  #released = new RoomPrefixes<PrefixClaim & { heldUntil: string }>();
  #formerOwners: ReadonlySet<string> = new Set();
  readonly #clock: Clock;
  readonly #bySlug = new Map<string, AppEntry>();
  readonly #lists = new Map<string, readonly AppRecord[]>();

  constructor(clock: Clock = SYSTEM_CLOCK) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#byName.size;
  }

  get(name: string): AppEntry | undefined {
    return this.#byName.get(name);
  }

  /** @throws ApiError APP_NOT_FOUND */
  require(name: string): AppEntry {
    const app = this.#byName.get(name);
    if (app === undefined) throw new ApiError('APP_NOT_FOUND', { name });
    return app;
  }

  byId(id: number): AppEntry | undefined {
    return this.#byId.get(id);
  }

  /** Whose turn the work for an app is, among those who wait: its team's. Each app of the platform has its own turn. */
  turnOf(name: string): string {
    const tenantId = this.#byName.get(name)?.tenantId ?? PLATFORM;
    return tenantId === PLATFORM ? `app ${name}` : `team ${tenantId}`;
  }

  /** Two apps whose names differ only in dashes would share their environment variables. */
  bySlug(slug: string): AppEntry | undefined {
    return this.#bySlug.get(slug);
  }

  /** The app that the room belongs to. */
  forRoom(room: string): AppEntry | undefined {
    return this.#prefixes.ownerOf(room);
  }

  /** Has an app of that name given up a prefix? */
  hasGivenUpRooms(name: string): boolean {
    return this.#formerOwners.has(name);
  }

  /**
   * Who gave up the prefix of a room that is nobody's now; `app` is undefined if it was deleted.
   * @param renamed an app that has just given one up: then its rooms count although an app of its team has a shorter prefix
   */
  formerOwner(room: string, renamed?: string): { prefix: string; app: AppEntry | undefined } | undefined {
    const former = this.#released.ownerOf(room);
    if (former === undefined) return undefined;
    const { name, tenantId, roomPrefix: prefix } = former;
    const now = this.forRoom(room);
    const isInherited = now?.tenantId === tenantId && now.name !== name && now.roomPrefix.length < prefix.length;
    if (now !== undefined && !(name === renamed && isInherited)) return undefined;
    const app = this.#byName.get(name);
    return { prefix, app: app?.tenantId === tenantId ? app : undefined };
  }

  /**
   * Why an app may not have this prefix, after “The room prefix …”; undefined when it may, and for the prefix that it
   * has. The words don't name the other app, because the caller may not know it.
   */
  prefixConflict(claim: Omit<PrefixClaim, 'id'>): string | undefined {
    const { name, roomPrefix, tenantId } = claim;
    if (this.#byName.get(name)?.roomPrefix === roomPrefix) return undefined;
    const overlaps = `${roomPrefix} overlaps with one that another team uses`;
    if (tenantId !== PLATFORM && shareRooms(roomPrefix, PLATFORM_PREFIX)) return overlaps;
    const other = this.#prefixes.conflictWith(claim) ?? this.#claims.conflictWith(claim);
    if (other !== undefined) return other.roomPrefix === roomPrefix ? `${roomPrefix} belongs to another app` : overlaps;
    const now = new Date(this.#clock.now()).toISOString();
    const held = this.#released.overlapping(roomPrefix).find((one) => one.tenantId !== tenantId && one.heldUntil > now);
    if (held === undefined) return undefined;
    const relation = held.roomPrefix === roomPrefix ? 'was given up by' : 'overlaps with one given up by';
    return `${roomPrefix} ${relation} another team and is kept for it until ${held.heldUntil}, because join tokens for its rooms can still be valid`;
  }

  /** Keeps prefixes for the teams that gave them up, in place of those known before. */
  holdPrefixes(rows: readonly ReleasedPrefixRow[]): void {
    this.#released = new RoomPrefixes();
    this.#formerOwners = new Set(rows.map(({ app }) => app));
    for (const { prefix, tenant_id, app, held_until } of rows)
      this.#released.add({ id: 0, name: app, roomPrefix: prefix, tenantId: tenant_id, heldUntil: held_until });
  }

  /** Rooms of this app belong to an older app of another team: there were no join tokens for them. */
  isOutranked(app: AppEntry): boolean {
    return this.#prefixes.olderRival(app) !== undefined;
  }

  /**
   * Reserves a prefix for the time of a change.
   * @returns ends the reservation
   * @throws ApiError ROOM_PREFIX_TAKEN
   */
  claimPrefix(claim: Omit<PrefixClaim, 'id'>): () => void {
    const conflict = this.prefixConflict(claim);
    if (conflict !== undefined) throw new ApiError('ROOM_PREFIX_TAKEN', { reason: conflict });
    const own = { ...claim, id: Number.MAX_SAFE_INTEGER };
    this.#claims.add(own);
    return () => this.#claims.delete(own);
  }

  /** Pairs of apps of different teams that share rooms; only in data from before this was refused. */
  prefixRivals(): { app: AppEntry; older: AppEntry }[] {
    return [...this.#byName.values()].flatMap((app) => {
      const older = this.#prefixes.olderRival(app);
      return older === undefined ? [] : [{ app, older }];
    });
  }

  /** An app as the API answers it. */
  record(app: AppEntry): AppRecord {
    const { configProblem, fileProblem, troubles } = app;
    const problems: NonNullable<AppRecord['problems']> = [];
    if (configProblem !== null) problems.push({ code: 'CONFIG_INVALID', ...configProblem });
    if (fileProblem !== null) problems.push({ code: 'FILES_UNUSABLE', ...fileProblem });
    for (const [code, trouble] of Object.entries(troubles)) problems.push({ code: code as Trouble, ...trouble });
    if (this.isOutranked(app))
      problems.push({ code: 'ROOM_PREFIX_OVERLAPS', message: prefixOverlaps(app.roomPrefix), since: app.createdAt });
    return {
      id: app.id,
      name: app.name,
      displayName: app.displayName,
      livekitRoomPrefix: app.roomPrefix,
      createdAt: app.createdAt,
      updatedAt: app.updatedAt,
      settingsJson: null,
      ...(problems.length === 0 ? {} : { problems }),
    };
  }

  /** The apps that a caller may see, ordered by name. */
  visible(apps: VisibleApps): readonly AppRecord[] {
    switch (apps.kind) {
      case 'all':
        return this.#listOf('', () => true);
      case 'team':
        return this.#listOf(`team ${apps.tenantId}`, ({ tenantId }) => tenantId === apps.tenantId);
      case 'app': {
        const app = this.#byId.get(apps.appId);
        return app === undefined ? NONE : this.#listOf(`app ${app.id}`, undefined, [app]);
      }
      case 'none':
        return NONE;
    }
  }

  /** Ids of visible apps; undefined = all. */
  visibleIds(apps: VisibleApps): number[] | undefined {
    return apps.kind === 'all' ? undefined : this.visible(apps).map(({ id }) => id);
  }

  #listOf(
    key: string,
    belongs: (app: AppEntry) => boolean = () => true,
    among: Iterable<AppEntry> = this.#byName.values(),
  ): readonly AppRecord[] {
    let list = this.#lists.get(key);
    if (list === undefined) {
      list = [...among]
        .filter(belongs)
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map((app) => this.record(app));
      this.#lists.set(key, list);
    }
    return list;
  }

  entries(): IterableIterator<AppEntry> {
    return this.#byName.values();
  }

  countOf(tenantId: string): number {
    return this.visible({ kind: 'team', tenantId }).length;
  }

  put(row: AppRow): AppEntry {
    const entry: AppEntry = Object.freeze({
      id: row.id,
      name: row.name,
      displayName: row.display_name,
      roomPrefix: row.livekit_room_prefix,
      tenantId: row.tenant_id,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
      deleting: row.deleting === 1,
      configProblem: null,
      fileProblem: null,
      troubles: {},
    });
    return this.replace(entry);
  }

  replace(entry: AppEntry): AppEntry {
    const old = this.#byName.get(entry.name);
    if (old !== undefined) this.#prefixes.delete(old);
    this.#byName.set(entry.name, entry);
    this.#byId.set(entry.id, entry);
    this.#prefixes.add(entry);
    this.#bySlug.set(slugOf(entry.name), entry);
    this.#changed();
    return entry;
  }

  remove(name: string): void {
    const entry = this.#byName.get(name);
    if (entry === undefined) return;
    this.#byName.delete(name);
    this.#byId.delete(entry.id);
    this.#prefixes.delete(entry);
    this.#bySlug.delete(slugOf(entry.name));
    this.#changed();
  }

  #changed(): void {
    this.#lists.clear();
  }
}

/** The default app's prefix: its tree belongs to the platform, even if no such app exists. */
const PLATFORM_PREFIX = 'live';
const NONE: readonly AppRecord[] = [];

const prefixOverlaps = (prefix: string): string =>
  `The room prefix ${prefix} overlaps with that of an older app of another team. Rooms that match both belong to the older app. Give this app another prefix.`;
