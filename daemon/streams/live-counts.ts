import type { AppEntry } from '../apps/registry.ts';
import type { EventBus } from '../events/bus.ts';
import type { RoomCounts, RoomDirectory } from './room-directory.ts';

const EVERY_MS = 1000;

export interface LiveCountsDeps {
  directory: RoomDirectory;
  apps: { forRoom(room: string): AppEntry | undefined };
  bus: EventBus;
}

/** Tells those who watch how many are in which room, once a second at most, and only what changed. */
export class LiveCounts {
  readonly #deps: LiveCountsDeps;
  #told = new Map<string, RoomCounts>();
  #seen = -1;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: LiveCountsDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = setInterval(() => this.tell(), EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  tell(): void {
    const { directory, apps, bus } = this.#deps;
    if (directory.version === this.#seen) return;
    this.#seen = directory.version;
    const told = new Map<string, RoomCounts>();
    for (const room of directory.names()) {
      const counts = directory.counts(room);
      told.set(room, counts);
      if (isSame(this.#told.get(room), counts)) continue;
      const app = apps.forRoom(room);
      if (app === undefined) continue;
      bus.publish({ type: 'room.counts', app: app.name, tenant: app.tenantId, live: true, data: { room, ...counts } });
    }
    for (const room of this.#told.keys()) {
      if (told.has(room)) continue;
      const app = apps.forRoom(room);
      const data = { room, participants: 0, publishers: 0, viewers: 0 };
      if (app !== undefined)
        bus.publish({ type: 'room.counts', app: app.name, tenant: app.tenantId, live: true, data });
    }
    this.#told = told;
  }
}

const isSame = (a: RoomCounts | undefined, b: RoomCounts): boolean =>
  a !== undefined && a.participants === b.participants && a.publishers === b.publishers && a.viewers === b.viewers;
