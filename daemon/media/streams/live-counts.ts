import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { Background, Repeated } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import { NOBODY, type RoomCounts, type RoomDirectory } from './room-directory.ts';

/** Least time between two messages about a room. */
const EVERY_MS = 1000;
/** A quiet room's news is told this soon, together with what follows right after it. */
const SOON_MS = 20;
/** Rooms that are told of within a second; the news of others waits for its end, so that thousands cost no more. */
const MAX_SOON = 50;

export interface LiveCountsDeps {
  directory: RoomDirectory;
  apps: { forRoom(room: string): AppEntry | undefined };
  bus: EventBus;
  background: Background;
  clock: Clock;
  /** Called before the message that a room changed. */
  onChanged?(room: string): void;
}

/** Sends viewers of the event stream that a room changed, and its number of people: the first change right away, then once a second. */
export class LiveCounts {
  readonly #deps: LiveCountsDeps;
  readonly #told = new Map<string, RoomCounts>();
  /** Rooms that were told of since the last full second. */
  readonly #recent = new Set<string>();
  #timer: Repeated | undefined;
  #cancel: (() => void) | undefined;

  constructor(deps: LiveCountsDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = this.#deps.background.every('room counts', EVERY_MS, () => this.tell());
    this.#deps.directory.onTouch(() => {
      this.#cancel ??= this.#deps.background.after('room changes', SOON_MS, () => this.#tellQuiet());
    });
  }

  stop(): void {
    this.#timer?.stop();
    this.#cancel?.();
    this.#deps.directory.onTouch(() => undefined);
  }

  tell(): void {
    const { directory, clock } = this.#deps;
    directory.forgetSilentViewers(clock.monotonic());
    this.#recent.clear();
    for (const room of directory.takeTouched()) this.#tell(room);
  }

  #tellQuiet(): void {
    this.#cancel = undefined;
    let left = MAX_SOON - this.#recent.size;
    const isDue = (room: string): boolean => !this.#recent.has(room) && left-- > 0;
    for (const room of this.#deps.directory.takeTouched(isDue)) this.#tell(room);
  }

  #tell(room: string): void {
    const { directory, apps, bus, onChanged } = this.#deps;
    this.#recent.add(room);
    const counts = directory.counts(room);
    const isNew = !isSame(this.#told.get(room) ?? NOBODY, counts);
    if (directory.has(room)) this.#told.set(room, counts);
    else this.#told.delete(room);
    onChanged?.(room);
    const app = apps.forRoom(room);
    if (app === undefined) return;
    const to = { app: app.name, tenant: app.tenantId, live: true };
    bus.publish({ type: 'room.changed', ...to, data: { room } });
    if (isNew) bus.publish({ type: 'room.counts', ...to, data: { room, ...counts } });
  }
}

const isSame = (a: RoomCounts, b: RoomCounts): boolean =>
  a.participants === b.participants && a.publishers === b.publishers && a.viewers === b.viewers;
