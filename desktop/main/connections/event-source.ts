import { EventParser } from '#shared/client/event-parser.ts';
import type { StreamEvent } from '#shared/ipc/events.ts';
import { failure } from '#shared/ipc/outcome.ts';
import type { Transport } from './transport.ts';

export interface EventSourceOptions {
  transport: Transport;
  path: string;
  authorization: string;
  lastEventId: string | undefined;
  signal: AbortSignal;
  /** Longest silence before the stream counts as dead; the daemon sends a comment every 15 s. */
  silenceMs: number;
  onOpen(): void;
  onEvent(event: StreamEvent): void;
}

/** The daemon did not accept the stream. */
export class StreamRefused extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

/** Reads one event stream until it ends. @throws StreamRefused, or what broke it */
export async function readEvents(options: EventSourceOptions): Promise<void> {
  const { transport, silenceMs, onEvent } = options;
  const silent = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const heard = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => silent.abort(), silenceMs);
  };
  try {
    const answer = await transport.stream({
      path: options.path,
      headers: {
        accept: 'text/event-stream',
        'cache-control': 'no-store',
        authorization: options.authorization,
        ...(options.lastEventId === undefined ? {} : { 'last-event-id': options.lastEventId }),
      },
      signal: AbortSignal.any([options.signal, silent.signal]),
      timeoutMs: 15_000,
    });
    if (answer.status !== 200 || !/^text\/event-stream/.test(answer.headers['content-type'] ?? '')) {
      answer.body.on('error', () => {}).destroy();
      throw new StreamRefused(answer.status === 200 ? 404 : answer.status);
    }
    heard();
    options.onOpen();
    const parser = new EventParser();
    const decoder = new TextDecoder();
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      heard();
      for (const { id, event, data } of parser.push(decoder.decode(chunk, { stream: true })))
        onEvent({ id: id ?? null, type: event, data: parsed(data) });
    }
  } catch (error) {
    if (silent.signal.aborted)
      throw failure('TIMED_OUT', { host: new URL(transport.route.base).host, seconds: silenceMs / 1000 });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}
