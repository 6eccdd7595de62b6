import { EventParser, type ServerEvent } from './event-parser.ts';

export interface EventStreamOptions {
  /** Opens the stream; `lastEventId` asks for what came after it. */
  open(lastEventId: string | undefined, signal: AbortSignal): Promise<Response>;
  onEvent(event: ServerEvent): void;
  /** `live` once the daemon has accepted the stream, `down` with the reason when it ended. */
  onState(state: 'live' | 'down', reason?: { status?: number; error?: unknown }): void;
  /** Resume after this event. */
  lastEventId?: string;
  /** Longest silence before the stream counts as dead; the daemon sends a comment every 15 s. */
  silence?: number;
  /** Waits between tries, the last one repeated. */
  waits?: readonly number[];
}

const WAITS = [500, 1000, 2000, 5000, 10_000, 30_000];
/** Answers after which trying again is pointless until someone signs in or the daemon is another one. */
const FINAL = new Set([401, 403, 404]);

/** A server-sent event stream that resumes where it broke off, with growing waits. @returns the function that ends it */
export function eventStream(options: EventStreamOptions): () => void {
  const { silence = 45_000, waits = WAITS } = options;
  const ended = new AbortController();
  let lastEventId = options.lastEventId;

  const once = async (): Promise<boolean> => {
    const attempt = new AbortController();
    const stop = (): void => attempt.abort();
    ended.signal.addEventListener('abort', stop, { once: true });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const heard = (): void => {
      clearTimeout(timer);
      timer = setTimeout(stop, silence);
    };
    try {
      heard();
      const response = await options.open(lastEventId, attempt.signal);
      if (!response.ok || response.body === null) {
        await response.body?.cancel();
        options.onState('down', { status: response.status });
        return !FINAL.has(response.status);
      }
      options.onState('live');
      failures = 0;
      const parser = new EventParser();
      const decoder = new TextDecoder();
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        heard();
        for (const event of parser.push(decoder.decode(value, { stream: true }))) {
          if (event.id !== undefined) lastEventId = event.id;
          options.onEvent(event);
        }
      }
      if (!ended.signal.aborted) options.onState('down');
    } catch (error) {
      if (!ended.signal.aborted) options.onState('down', { error });
    } finally {
      clearTimeout(timer);
      ended.signal.removeEventListener('abort', stop);
    }
    return true;
  };

  let failures = 0;
  const run = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      if (!(await once())) return;
      const wait = waits[Math.min(failures, waits.length - 1)] ?? 1000;
      failures += 1;
      await pause(wait, ended.signal);
    }
  };
  void run();
  return () => ended.abort();
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
  });
}
