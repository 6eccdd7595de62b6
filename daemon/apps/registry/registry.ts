import { slugOf } from '#shared/config/defaults.ts';
import { ApiError } from '#shared/errors.ts';
import type { AppRecord } from '#shared/schema/apps.ts';
import type { AppRow } from './repository.ts';

/** One app as the rest of the daemon sees it. */
export interface AppEntry {
  readonly id: number;
  readonly name: string;
  readonly displayName: string;
  readonly roomPrefix: string;
  readonly tenantId: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** A deletion is under way: no new work is started for it. */
  readonly deleting: boolean;
}

/** All apps in memory, in step with the table, so that a look-up needs no query. */
export class AppRegistry {
  readonly #byName = new Map<string, AppEntry>();
  readonly #byId = new Map<number, AppEntry>();
  readonly #byPrefix = new Map<string, AppEntry>();
  readonly #bySlug = new Map<string, AppEntry>();
  readonly #lists = new Map<string, readonly AppRecord[]>();

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

  byRoomPrefix(prefix: string): AppEntry | undefined {
    return this.#byPrefix.get(prefix);
  }

  /** Two apps whose names differ only in dashes would share their environment variables. */
  bySlug(slug: string): AppEntry | undefined {
    return this.#bySlug.get(slug);
  }

  /** The app whose prefix P is the longest for which the room is P or begins with `P-`. */
  forRoom(room: string): AppEntry | undefined {
    for (let end = room.length; end > 0; end = room.lastIndexOf('-', end - 1)) {
      const app = this.#byPrefix.get(room.slice(0, end));
      if (app !== undefined) return app;
    }
    return undefined;
  }

  /** Ordered by name; of one tenant or, without an argument, of all. */
  list(tenantId?: string): readonly AppRecord[] {
    const key = tenantId ?? '';
    let list = this.#lists.get(key);
    if (list === undefined) {
      list = [...this.#byName.values()]
        .filter((app) => tenantId === undefined || app.tenantId === tenantId)
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map(toRecord);
      this.#lists.set(key, list);
    }
    return list;
  }

  entries(): IterableIterator<AppEntry> {
    return this.#byName.values();
  }

  countOf(tenantId: string): number {
    return this.list(tenantId).length;
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
    });
    return this.replace(entry);
  }

  replace(entry: AppEntry): AppEntry {
    const old = this.#byName.get(entry.name);
    if (old !== undefined) this.#byPrefix.delete(old.roomPrefix);
    this.#byName.set(entry.name, entry);
    this.#byId.set(entry.id, entry);
    this.#byPrefix.set(entry.roomPrefix, entry);
    this.#bySlug.set(slugOf(entry.name), entry);
    this.#changed();
    return entry;
  }

  remove(name: string): void {
    const entry = this.#byName.get(name);
    if (entry === undefined) return;
    this.#byName.delete(name);
    this.#byId.delete(entry.id);
    this.#byPrefix.delete(entry.roomPrefix);
    this.#bySlug.delete(slugOf(entry.name));
    this.#changed();
  }

  #changed(): void {
    this.#lists.clear();
  }
}

export function toRecord(app: AppEntry): AppRecord {
  return {
    id: app.id,
    name: app.name,
    displayName: app.displayName,
    livekitRoomPrefix: app.roomPrefix,
    createdAt: app.createdAt,
    updatedAt: app.updatedAt,
    settingsJson: null,
  };
}
