import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { Background, Repeated } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import { NOBODY, type RoomCounts, type RoomDirectory } from './room-directory.ts';

const EVERY_MS = 1000;

export interface LiveCountsDeps {
  directory: RoomDirectory;
  apps: { forRoom(room: string): AppEntry | undefined };
  bus: EventBus;
  background: Background;
  clock: Clock;
}

/** Sends viewers of the event stream the number of people per room: changes only, at most once a second. */
export class LiveCounts {
  readonly #deps: LiveCountsDeps;
  readonly #told = new Map<string, RoomCounts>();
  #timer: Repeated | undefined;

  constructor(deps: LiveCountsDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = this.#deps.background.every('room counts', EVERY_MS, () => this.tell());
  }

  stop(): void {
    this.#timer?.stop();
  }

  tell(): void {
    const { directory, apps, bus, clock } = this.#deps;
    directory.forgetSilentViewers(clock.monotonic());
    for (const room of directory.takeTouched()) {
      const counts = directory.counts(room);
      if (isSame(this.#told.get(room) ?? NOBODY, counts)) continue;
      if (directory.has(room)) this.#told.set(room, counts);
      else this.#told.delete(room);
      const app = apps.forRoom(room);
      if (app === undefined) continue;
      bus.publish({ type: 'room.counts', app: app.name, tenant: app.tenantId, live: true, data: { room, ...counts } });
    }
  }
}

const isSame = (a: RoomCounts, b: RoomCounts): boolean =>
  a.participants === b.participants && a.publishers === b.publishers && a.viewers === b.viewers;
