/** A page says every 30 s that it still plays. One that was closed without goodbye is counted no longer than this. */
const SILENT_MS = 75_000;
/** Of all rooms together. Beyond it the one that was silent the longest is forgotten, so made-up viewers use bounded memory. */
const MAX_VIEWERS = 100_000;

/** Who plays live HLS, as the viewers' pages say. In memory only; no address and no name. */
export class HlsAudience {
  readonly #rooms = new Map<string, Set<string>>();
  /** When each was last seen, the longest silent first. */
  readonly #seen = new Map<string, { room: string; viewer: string; at: number }>();

  count(room: string): number {
    return this.#rooms.get(room)?.size ?? 0;
  }

  /** @param now monotonic milliseconds @returns rooms whose number changed */
  see(room: string, viewer: string, now: number): string[] {
    const isKnown = this.#seen.delete(keyOf(room, viewer));
    this.#seen.set(keyOf(room, viewer), { room, viewer, at: now });
    if (isKnown) return [];
    const viewers = this.#rooms.get(room) ?? new Set();
    this.#rooms.set(room, viewers.add(viewer));
    return [room, ...this.#forgetWhile(() => this.#seen.size > MAX_VIEWERS)];
  }

  /** @returns whether the number changed */
  leave(room: string, viewer: string): boolean {
    if (!this.#seen.delete(keyOf(room, viewer))) return false;
    const viewers = this.#rooms.get(room);
    viewers?.delete(viewer);
    if (viewers?.size === 0) this.#rooms.delete(room);
    return true;
  }

  /** @returns rooms whose number changed */
  forgetSilent(now: number): string[] {
    return this.#forgetWhile(({ at }) => now - at > SILENT_MS);
  }

  #forgetWhile(isOver: (oldest: { at: number }) => boolean): string[] {
    const changed = new Set<string>();
    for (const one of this.#seen.values()) {
      if (!isOver(one)) break;
      this.leave(one.room, one.viewer);
      changed.add(one.room);
    }
    return [...changed];
  }
}

const keyOf = (room: string, viewer: string): string => `${room} ${viewer}`;
