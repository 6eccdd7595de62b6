import type { StreamEvent } from '#shared/ipc/events.ts';
import type { Emit } from '#shared/ipc/index.ts';
import { failure, type IpcError } from '#shared/ipc/outcome.ts';
import { backoff, pause } from './backoff.ts';
import type { Connections } from './connections.ts';
import type { Timing } from './daemon-connection.ts';
import { EventLog } from './event-log.ts';
import { readEvents, StreamRefused } from './event-source.ts';
import { networkFailure } from './network-failure.ts';
import { apiPath } from './requests.ts';

const MAX_STREAMS = 32;

/** Event streams that pages open beside the one that each connection has: live tails. Each is resumed until it is closed. */
export class Streams {
  readonly #connections: Connections;
  readonly #emit: Emit;
  readonly #timing: Timing;
  readonly #open = new Map<string, AbortController>();
  #made = 0;

  constructor(connections: Connections, emit: Emit, timing: Timing) {
    this.#connections = connections;
    this.#emit = emit;
    this.#timing = timing;
  }

  /** @returns the stream's id; nothing of it is told before the caller has that */
  open(connectionId: string, path: string, lastEventId: string | undefined): string {
    this.#connections.get(connectionId);
    const checked = apiPath(path);
    if (this.#open.size >= MAX_STREAMS)
      throw failure('NOT_AVAILABLE', { what: 'One more live stream', reason: `${MAX_STREAMS} are open` });
    const streamId = `s${(this.#made += 1)}`;
    const stop = new AbortController();
    this.#open.set(streamId, stop);
    setImmediate(() => void this.#run(streamId, connectionId, checked, lastEventId, stop.signal));
    return streamId;
  }

  close(streamId: string): void {
    this.#open.get(streamId)?.abort();
    this.#open.delete(streamId);
  }

  closeAll(): void {
    for (const streamId of [...this.#open.keys()]) this.close(streamId);
  }

  async #run(
    streamId: string,
    connectionId: string,
    path: string,
    from: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    let lastEventId = from;
    let failures = 0;
    const log = new EventLog((events: StreamEvent[]) => {
      if (!signal.aborted) this.#emit('events:stream', { streamId, events });
    });
    const tell = (status: 'open' | 'waiting' | 'closed', error: IpcError | null): void => {
      log.flush();
      if (!signal.aborted) this.#emit('events:streamState', { streamId, status, error });
    };
    while (!signal.aborted) {
      let error: IpcError | null = null;
      try {
        const { connection } = this.#connections.get(connectionId);
        await readEvents({
          transport: connection.transport,
          path,
          authorization: await connection.authorization(),
          lastEventId,
          signal,
          silenceMs: this.#timing.silenceMs,
          onOpen: () => {
            failures = 0;
            tell('open', null);
          },
          onEvent: (event) => {
            if (event.id !== null && event.id !== '') lastEventId = event.id;
            log.add([event]);
          },
        });
      } catch (met) {
        if (signal.aborted) return;
        if (met instanceof StreamRefused && met.status !== 401 && met.status !== 429 && met.status < 500) {
          tell('closed', failure('STREAM_REFUSED', { status: met.status }).toJSON());
          this.#open.delete(streamId);
          return;
        }
        const host = this.#hostOf(connectionId);
        if (host === undefined) return this.close(streamId);
        error = networkFailure(met, host, 15).toJSON();
      }
      failures += 1;
      tell('waiting', error);
      await pause(backoff(failures, this.#timing.backoff), signal);
    }
  }

  /** Undefined once the connection was removed. */
  #hostOf(connectionId: string): string | undefined {
    try {
      return new URL(this.#connections.get(connectionId).record.url).host;
    } catch {
      return undefined;
    }
  }
}
