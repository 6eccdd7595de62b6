import type { StreamEvent } from '#shared/ipc/events.ts';

const KEPT = 2000;
const GATHER_MS = 16;
const BATCH = 500;

/** The newest events of one connection, for a page that was away, and their bundling into few messages. */
export class EventLog {
  readonly #kept: StreamEvent[] = [];
  readonly #send: (events: StreamEvent[]) => void;
  #gathered: StreamEvent[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (events: StreamEvent[]) => void) {
    this.#send = send;
  }

  add(events: readonly StreamEvent[]): void {
    for (const event of events) {
      if (event.id !== null) this.#kept.push(event);
      this.#gathered.push(event);
    }
    if (this.#kept.length > KEPT * 1.5) this.#kept.splice(0, this.#kept.length - KEPT);
    if (this.#gathered.length >= BATCH) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  /** @returns what came after that event, or undefined when it is no longer known */
  since(id: string): StreamEvent[] | undefined {
    const at = this.#kept.findLastIndex((event) => event.id === id);
    return at < 0 ? undefined : this.#kept.slice(at + 1);
  }

  /** Events were lost: nothing can be told of what came after those before. */
  clear(): void {
    this.#kept.length = 0;
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const events = this.#gathered;
    this.#gathered = [];
    if (events.length > 0) this.#send(events);
  }
}
