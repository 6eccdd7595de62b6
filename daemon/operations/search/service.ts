import { setImmediate as nextTurn } from 'node:timers/promises';
import type { IdentityKeeper } from '#daemon/media/sessions/identities.ts';
import type { SessionKeeper } from '#daemon/media/sessions/keeper.ts';
import { type Found, sessionReading } from '#daemon/media/sessions/reading.ts';
import type { RoomDirectory } from '#daemon/media/streams/room-directory.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import { holds, type VisibleApps, visibleApps } from '#shared/access.ts';
import { iso } from '#shared/instants.ts';
import { roomNamed } from '#shared/rules/rooms.ts';
import type { SearchQuery, SearchResult } from '#shared/schema/search.ts';

/** Apps whose history is looked through: those with the newest sessions. */
const MAX_APPS = 200;

interface KnownApp {
  readonly id: number;
  readonly name: string;
  readonly livekitRoomPrefix: string;
}

export interface SearchServiceDeps {
  apps: { visible(apps: VisibleApps): readonly KnownApp[]; forRoom(room: string): { name: string } | undefined };
  rooms: Pick<RoomDirectory, 'names' | 'counts' | 'has'>;
  keeper: Pick<SessionKeeper, 'known' | 'newestOf'>;
  identities: Pick<IdentityKeeper, 'hashOf'>;
  databases: AppDatabases;
}

type Room = SearchResult['rooms'][number];

/** Finds apps, rooms and people of all apps that a caller may see. */
export class SearchService {
  readonly #deps: SearchServiceDeps;

  constructor(deps: SearchServiceDeps) {
    this.#deps = deps;
  }

  async find({ q, limit = 10 }: SearchQuery, principal: Principal): Promise<SearchResult> {
    const { keeper } = this.#deps;
    const visible = this.#deps.apps.visible(visibleApps(principal));
    const apps = visible.filter(({ name }) => includes(name, q)).map(({ name }) => ({ app: name }));
    const rooms = new Map<string, Room>();
    if (holds(principal, 'room:read')) for (const room of this.#openRooms(visible, q)) rooms.set(room.room, room);
    const people: SearchResult['people'] = [];
    let isCut = false;
    if (holds(principal, 'session:read')) {
      await keeper.known();
      const candidates = visible
        .filter(({ id }) => keeper.newestOf(id) !== undefined)
        .sort((a, b) => (keeper.newestOf(b.id) ?? 0) - (keeper.newestOf(a.id) ?? 0));
      isCut = candidates.length > MAX_APPS;
      for (const app of candidates.slice(0, MAX_APPS)) {
        isCut = !this.#history(app, q, limit, rooms, people) || isCut;
        await nextTurn();
      }
    }
    const found = {
      apps,
      rooms: [...rooms.values()].sort((a, b) => Number(b.open) - Number(a.open) || byTime(a, b)),
      people: people.sort((a, b) => Number(b.present) - Number(a.present) || byTime(a, b)),
    };
    return {
      apps: found.apps.slice(0, limit),
      rooms: found.rooms.slice(0, limit),
      people: found.people.slice(0, limit),
      more: isCut || Object.values(found).some((list) => list.length > limit),
    };
  }

  *#openRooms(visible: readonly KnownApp[], q: string): Iterable<Room> {
    const { apps, rooms } = this.#deps;
    const names = new Set(visible.map(({ name }) => name));
    for (const room of rooms.names()) {
      const app = includes(room, q) ? apps.forRoom(room)?.name : undefined;
      if (app !== undefined && names.has(app))
        yield { app, room, open: true, participants: rooms.counts(room).participants, session: null, at: null };
    }
  }

  /** @returns false when the history of the app can't be read, or has more */
  #history(
    { id, name, livekitRoomPrefix }: KnownApp,
    q: string,
    limit: number,
    rooms: Map<string, Room>,
    people: SearchResult['people'],
  ): boolean {
    const { databases, identities } = this.#deps;
    let found: Found;
    try {
      const texts = [...new Set([q, q.toLowerCase()])];
      found = sessionReading(databases.get(name)).search(
        texts.flatMap((text) => [text, roomNamed(text, livekitRoomPrefix)]),
        [...texts, identities.hashOf(id, q)],
        limit + 1,
      );
    } catch {
      // other apps are still found; the app’s own pages say what is wrong with its database
      return false;
    }
    for (const { room, session, at } of found.rooms)
      rooms.set(room, {
        app: name,
        room,
        open: this.#deps.rooms.has(room),
        participants: this.#deps.rooms.counts(room).participants,
        session,
        at: iso(at),
      });
    people.push(
      ...found.people.map(({ identity, room, session, at, present }) => ({
        app: name,
        identity,
        present: present === 1,
        room,
        session,
        at: iso(at),
      })),
    );
    return found.rooms.length <= limit && found.people.length <= limit;
  }
}

const includes = (name: string, part: string): boolean => name.toLowerCase().includes(part.toLowerCase());
const byTime = (a: { at: string | null }, b: { at: string | null }): number => ((a.at ?? '') < (b.at ?? '') ? 1 : -1);
