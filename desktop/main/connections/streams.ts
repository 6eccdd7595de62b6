import type { Timing } from '#shared/connection/daemon-connection.ts';
import { followEvents, type StreamRefused } from '#shared/connection/event-stream.ts';
import { networkFailure } from '#shared/connection/network-failure.ts';
import type { StreamEvent } from '#shared/ipc/events.ts';
import type { Emit } from '#shared/ipc/index.ts';
import { failure, type IpcError } from '#shared/ipc/outcome.ts';
import type { Connections } from './connections.ts';
import { EventLog } from './event-log.ts';
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

  /** @returns the stream's id; its events are sent only after the caller has the id */
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
    const log = new EventLog((events: StreamEvent[]) => {
      if (!signal.aborted) this.#emit('events:stream', { streamId, events });
    });
    const tell = (status: 'open' | 'waiting' | 'closed', error: IpcError | null): void => {
      log.flush();
      if (!signal.aborted) this.#emit('events:streamState', { streamId, status, error });
    };
    try {
      await followEvents({
        source: () => this.#connections.get(connectionId).connection,
        path,
        lastEventId: from,
        signal,
        timing: this.#timing,
        onOpen: () => tell('open', null),
        onEvent: (event) => log.add([event]),
        onBreak: (error) => {
          const host = this.#hostOf(connectionId);
          if (host === undefined) return this.close(streamId);
          tell('waiting', error === undefined ? null : networkFailure(error, host, 15).toJSON());
        },
      });
    } catch (error) {
      const { status } = error as StreamRefused;
      tell('closed', failure('STREAM_REFUSED', { status }).toJSON());
      this.#open.delete(streamId);
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
