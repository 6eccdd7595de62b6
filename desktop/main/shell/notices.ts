import type { ConnectionState } from '#shared/ipc/connections.ts';
import type { Preferences, ShellCommand } from '#shared/ipc/desktop.ts';
import type { StreamEvent } from '#shared/ipc/events.ts';
import type { EventType } from '#shared/schema/events.ts';

/** A notification of the system, and where a click on it leads. */
export interface Notice {
  title: string;
  body: string;
  command: ShellCommand;
}

export interface NoticesOptions {
  show(notice: Notice): void;
  preferences(): Preferences;
  nameOf(connectionId: string): string;
  now?: () => number;
  awayMs?: number;
}

/** The same thing is not said again within this time, unless it was well in between. */
const AGAIN_MS = 3_600_000;
/** A connection that is back by then was never worth a word. */
const AWAY_MS = 30_000;

/** Shows what daemons tell through their desktop channel, and that a daemon is unreachable. */
export class Notices {
  readonly #options: Required<NoticesOptions>;
  readonly #said = new Map<string, number>();
  readonly #away = new Map<string, NodeJS.Timeout>();

  constructor(options: NoticesOptions) {
    this.#options = { now: Date.now, awayMs: AWAY_MS, ...options };
  }

  onEvents(connectionId: string, events: readonly StreamEvent[]): void {
    for (const event of events) this.#onEvent(connectionId, event);
  }

  onState(connectionId: string, { status, error }: ConnectionState): void {
    const isAway = status === 'offline' || status === 'untrusted' || status === 'unusable';
    if (!isAway) {
      clearTimeout(this.#away.get(connectionId));
      this.#away.delete(connectionId);
      if (status === 'online') this.#said.delete(`${connectionId} connection`);
      return;
    }
    if (this.#away.has(connectionId)) return;
    const timer = setTimeout(() => {
      if (!this.#options.preferences().notifyConnectionLost || !this.#isNew(`${connectionId} connection`)) return;
      this.#options.show({
        title: `${this.#options.nameOf(connectionId)} cannot be reached`,
        body: error?.message ?? 'It isn’t responding.',
        command: { kind: 'navigate', path: '/', connectionId },
      });
    }, this.#options.awayMs);
    this.#away.set(connectionId, timer.unref());
  }

  forget(connectionId: string): void {
    clearTimeout(this.#away.get(connectionId));
    this.#away.delete(connectionId);
    for (const key of this.#said.keys()) if (key.startsWith(`${connectionId} `)) this.#said.delete(key);
  }

  stop(): void {
    for (const timer of this.#away.values()) clearTimeout(timer);
    this.#away.clear();
  }

  #onEvent(connectionId: string, { type, data }: StreamEvent): void {
    if ((type as EventType) !== 'alert.notice' || !this.#options.preferences().notifyIncidents) return;
    const { title, lines, incident } = ((data as { data?: unknown } | null)?.data ?? {}) as Record<string, unknown>;
    if (typeof title !== 'string' || !Array.isArray(lines)) return;
    const isOne = Number.isSafeInteger(incident);
    this.#options.show({
      title: `${this.#options.nameOf(connectionId)}: ${title}`,
      body: lines.slice(0, 3).join('\n'),
      command: { kind: 'navigate', path: isOne ? `/alerts?incident=${incident}` : '/alerts', connectionId },
    });
  }

  #isNew(key: string): boolean {
    const now = this.#options.now();
    const last = this.#said.get(key);
    if (last !== undefined && now - last < AGAIN_MS) return false;
    this.#said.set(key, now);
    return true;
  }
}
