import { createParser } from 'eventsource-parser';
import { failure } from '../ipc/failure.ts';
import { type BackoffOptions, backoff, pause } from './backoff.ts';
import type { Transport } from './transport.ts';

/** A server-sent event: `data` is its parsed JSON, or the text where it is none. */
interface StreamEvent {
  id: string | null;
  type: string;
  data: unknown;
}

/** What a stream needs of its connection; both can change between two attempts. */
interface StreamSource {
  transport: Pick<Transport, 'base' | 'stream'>;
  /** Headers that show the credential. */
  authorization(): Promise<Record<string, string>>;
}

export interface EventStreamOptions {
  /** Asked before each attempt. */
  source(): StreamSource;
  path: string;
  /** Resume after this event. */
  lastEventId?: string | undefined;
  signal: AbortSignal;
  timing: EventStreamTiming;
  /** A 401 ends it too; without it, the stream waits for another sign-in. */
  endsSignedOut?: boolean;
  /** The daemon accepted the stream; `isResumed` when it sends what came after an earlier event. */
  onOpen(isResumed: boolean): void;
  onEvent(event: StreamEvent): void;
  onId?(lastEventId: string): void;
  /** The stream broke off and is opened again after a wait; `error` is undefined when the daemon ended it. */
  onBreak(error: unknown): void;
  /** Asked after each part of the stream: the next one is read once the reader is ready. */
  whenRead?(): Promise<void> | undefined;
  /** Nobody looks: the stream is closed, and continues from here as soon as somebody does. */
  onPause?(): void;
}

interface EventStreamTiming {
  /** Longest silence before the stream counts as dead; the daemon sends a comment every 15 s. */
  silenceMs: number;
  backoff: BackoffOptions;
}

const OPEN_TIMEOUT = 15_000;

/** The daemon did not accept the stream. */
export class StreamRefused extends Error {
  readonly status: number;
  /** What the daemon answered. */
  readonly body: string;
  constructor(status: number, body = '') {
    super(`HTTP ${status}`);
    this.status = status;
    this.body = body;
  }
}

/** Answers after which trying again can't help. */
const isFinal = (status: number, endsSignedOut: boolean): boolean =>
  status === 401 ? endsSignedOut : status < 500 && status !== 429;

/** Follows an event stream and resumes it after each break, until the signal is aborted. @throws StreamRefused when the answer is final */
export async function followEvents(options: EventStreamOptions): Promise<void> {
  const { signal, timing, endsSignedOut = false } = options;
  let { lastEventId } = options;
  let failures = 0;
  while (!signal.aborted) {
    let error: unknown;
    try {
      const isResumed = lastEventId !== undefined;
      await readOnce(options, lastEventId, {
        onOpen: () => {
          failures = 0;
          options.onOpen(isResumed);
        },
        onId: (id) => {
          lastEventId = id;
          options.onId?.(id);
        },
      });
    } catch (met) {
      if (met instanceof StreamRefused && isFinal(met.status, endsSignedOut)) throw met;
      error = met;
    }
    if (signal.aborted) return;
    failures += 1;
    options.onBreak(error);
    await pause(backoff(failures, timing.backoff), signal);
  }
}

async function readOnce(
  { source, path, signal, timing, onEvent, whenRead }: EventStreamOptions,
  lastEventId: string | undefined,
  { onOpen, onId }: { onOpen(): void; onId(id: string): void },
): Promise<void> {
  const { silenceMs } = timing;
  const silent = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const heard = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => silent.abort(), silenceMs);
  };
  const connection = source();
  const { transport } = connection;
  try {
    const answer = await transport.stream({
      path,
      headers: {
        accept: 'text/event-stream',
        'cache-control': 'no-store',
        ...(await connection.authorization()),
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
      signal: AbortSignal.any([signal, silent.signal]),
      timeoutMs: OPEN_TIMEOUT,
    });
    if (answer.status !== 200 || !/^text\/event-stream/.test(answer.headers['content-type'] ?? '')) {
      if (answer.status !== 200) throw new StreamRefused(answer.status, await refusalIn(answer.body));
      answer.cancel();
      throw new StreamRefused(404);
    }
    heard();
    onOpen();
    await parseEvents(answer.body, {
      onChunk: heard,
      onEvent,
      onId,
      whenRead: async () => {
        const ready = whenRead?.();
        if (ready === undefined) return;
        // while the reader isn't ready, nothing is heard
        clearTimeout(timer);
        await ready;
        heard();
      },
    });
  } catch (error) {
    if (silent.signal.aborted)
      throw failure('TIMED_OUT', { host: new URL(transport.base).host, seconds: silenceMs / 1000 });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Longest body of a refusal that is read. */
const REFUSAL_LIMIT = 65_536;

async function refusalIn(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > REFUSAL_LIMIT) break;
  }
  return text;
}

interface EventSink {
  onChunk?(): void;
  onEvent(event: StreamEvent): void;
  onId?(id: string): void;
  whenRead?(): Promise<void> | undefined;
}

/** Parses the body of an event stream until it ends. @throws what breaks the body */
export async function parseEvents(
  body: AsyncIterable<Uint8Array>,
  { onChunk, onEvent, onId, whenRead }: EventSink,
): Promise<void> {
  const parser = createParser({
    onEvent: ({ id, event, data }) => onEvent({ id: id ?? null, type: event ?? 'message', data: parsed(data) }),
    // also sent without an event, with the heartbeat
    onId: (id) => {
      if (id !== '') onId?.(id);
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    onChunk?.();
    parser.feed(decoder.decode(chunk, { stream: true }));
    await whenRead?.();
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}
