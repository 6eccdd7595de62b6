import { type EventStreamOptions, followEvents } from '#shared/connection/event-stream.ts';

/** Says whether somebody looks, and tells of changes. */
export class Attention {
  #isGiven: boolean;
  readonly #waiting = new Set<() => void>();

  constructor(isGiven: boolean) {
    this.#isGiven = isGiven;
  }

  give(isGiven: boolean): void {
    if (isGiven === this.#isGiven) return;
    this.#isGiven = isGiven;
    for (const listener of [...this.#waiting]) listener();
  }

  /** Resolves when it is as asked, or when the signal is aborted. */
  until(isGiven: boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#isGiven !== isGiven && !signal.aborted) return;
        this.#waiting.delete(look);
        signal.removeEventListener('abort', look);
        resolve();
      };
      this.#waiting.add(look);
      signal.addEventListener('abort', look);
      look();
    });
  }
}

/** Follows an event stream while somebody looks, and resumes it where it stopped. @throws StreamRefused when the answer is final */
export async function followWhile(attention: Attention, options: EventStreamOptions): Promise<void> {
  const { signal } = options;
  let { lastEventId } = options;
  for (;;) {
    await attention.until(true, signal);
    if (signal.aborted) return;
    const over = new AbortController();
    const turn = AbortSignal.any([signal, over.signal]);
    void attention.until(false, turn).then(() => over.abort());
    try {
      await followEvents({
        ...options,
        lastEventId,
        signal: turn,
        onId: (id) => {
          lastEventId = id;
          options.onId?.(id);
        },
      });
    } finally {
      over.abort();
    }
    if (signal.aborted) return;
    options.onPause?.();
  }
}
