import { type EventStreamOptions, StreamRefused } from '#shared/connection/event-stream.ts';
import { Attention, followWhile } from './attention.ts';
import { HERE_URL, TABS_CHANNEL } from './base.ts';
import type { FromWorker, ToWorker } from './events-worker.ts';

/** Absent in some browsers of phones, where one page at a time is shown. */
let canShare = typeof SharedWorker !== 'undefined';

const attention = new Attention(!document.hidden);
document.addEventListener('visibilitychange', () => attention.give(!document.hidden));

/**
 * Follows an event stream that all tabs of this browser share, while one of them is shown. Over HTTP/1.1 a browser opens six
 * connections to a host: with a stream for each tab, the seventh would load nothing.
 * @throws StreamRefused when the answer is final
 */
export async function followShared(options: EventStreamOptions): Promise<void> {
  if (canShare) {
    try {
      return await throughWorker(options);
    } catch (error) {
      if (!(error instanceof WorkerFailed)) throw error;
      canShare = false;
    }
  }
  await followWhile(attention, options);
}

class WorkerFailed extends Error {}

function throughWorker(options: EventStreamOptions): Promise<void> {
  const { signal, path, timing, lastEventId, endsSignedOut = false } = options;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const left = new AbortController();
  const worker = new SharedWorker(new URL('./events-worker.ts', import.meta.url), { type: 'module' });
  const { port } = worker;
  const tell = (message: ToWorker): void => port.postMessage(message);
  const handlers: { [K in FromWorker['kind']]: (message: Extract<FromWorker, { kind: K }>) => void } = {
    open: ({ isResumed }) => options.onOpen(isResumed),
    event: ({ event }) => options.onEvent(event),
    id: ({ id }) => options.onId?.(id),
    break: ({ message }) => options.onBreak(message === null ? undefined : new Error(message)),
    pause: () => options.onPause?.(),
    refused: ({ status }) => reject(new StreamRefused(status)),
  };
  worker.onerror = () => reject(new WorkerFailed());
  port.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if (!signal.aborted) handlers[data.kind](data as never);
  };
  tell({
    kind: 'join',
    stream: { base: HERE_URL, channel: TABS_CHANNEL, path, timing, endsSignedOut },
    lastEventId: lastEventId ?? null,
    isShown: !document.hidden,
  });
  const heard = { signal: left.signal };
  document.addEventListener('visibilitychange', () => tell({ kind: 'shown', isShown: !document.hidden }), heard);
  addEventListener('pagehide', ({ persisted }) => persisted || tell({ kind: 'leave' }), heard);
  signal.addEventListener('abort', () => resolve(), heard);
  if (signal.aborted) resolve();
  return promise.finally(() => {
    left.abort();
    tell({ kind: 'leave' });
    port.close();
  });
}
