import type { TestContext } from 'node:test';
import { parseEvents } from '#shared/connection/event-stream.ts';
import { watched } from './until.ts';

/** One message as a client of `GET /events` sees it. */
export interface Heard {
  id: string | undefined;
  event: string;
  data: any;
}

/** Reads an event stream the way the product's client does. */
export class EventReader {
  readonly status: number;
  readonly headers: Headers;
  /** Everything heard so far. */
  readonly heard: Heard[] = [];
  /** A resumed stream begins after this event; the heartbeat moves it too. */
  lastEventId: string | undefined;
  readonly #abort: AbortController;
  readonly #news = watched();
  /** Resolves when the daemon has ended the stream, or this side has. */
  readonly ended: Promise<void>;
  isEnded = false;
  #taken = 0;

  constructor(response: Response, abort: AbortController) {
    this.status = response.status;
    this.headers = response.headers;
    this.#abort = abort;
    this.ended = this.#pump(response);
  }

  /**
   * The next message not yet taken that fits; those before it are passed over.
   * @throws when it takes longer than 90 s, with the types that were heard
   */
  async next(fits: string | ((message: Heard) => boolean) = () => true): Promise<Heard> {
    const test = typeof fits === 'string' ? (message: Heard) => message.event === fits : fits;
    let found: Heard | undefined;
    await this.#news.until(
      () => {
        while (found === undefined && this.#taken < this.heard.length) {
          const message = this.heard[this.#taken++] as Heard;
          if (test(message)) found = message;
        }
        return found !== undefined || this.isEnded;
      },
      () => `${fits}; heard: ${this.heard.map(({ event }) => event).join(' ')}`,
    );
    if (found === undefined) throw new Error(`the stream ended before ${fits}`);
    return found;
  }

  close(): void {
    this.#abort.abort();
  }

  async #pump(response: Response): Promise<void> {
    try {
      await parseEvents(response.body as unknown as AsyncIterable<Uint8Array>, {
        onId: (id) => {
          this.lastEventId = id;
        },
        onEvent: ({ id, type, data }) => {
          this.heard.push({ id: id ?? undefined, event: type, data });
          this.#news.look();
        },
      });
    } catch (error) {
      if (!this.#abort.signal.aborted) this.heard.push({ id: undefined, event: 'broken', data: String(error) });
    }
    this.isEnded = true;
    this.#news.look();
  }
}

/** Opens `GET /events`; closed with the test. */
export async function readEvents(
  t: Pick<TestContext, 'after'>,
  base: string,
  token: string,
  options: { query?: string; lastEventId?: string } = {},
): Promise<EventReader> {
  const abort = new AbortController();
  t.after(() => abort.abort());
  const response = await fetch(`${base}/api/v1/events${options.query ?? ''}`, {
    headers: {
      authorization: `Bearer ${token}`,
      ...(options.lastEventId === undefined ? {} : { 'last-event-id': options.lastEventId }),
    },
    signal: abort.signal,
  });
  return new EventReader(response, abort);
}
