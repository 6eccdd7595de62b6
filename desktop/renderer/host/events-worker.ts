// Runs once for all tabs of a browser, as a shared worker: one connection for each stream, however many tabs follow it.
import type { EventStreamOptions } from '#shared/connection/event-stream.ts';
import { FetchTransport } from '#shared/connection/fetch-transport.ts';
import type { StreamEvent } from '#shared/ipc/events.ts';
import { Attention, followWhile } from './attention.ts';

interface StreamKey {
  /** Address of the daemon. */
  base: string;
  /** Broadcast channel on which tabs say that somebody signed in or out. */
  channel: string;
  path: string;
  timing: EventStreamOptions['timing'];
  endsSignedOut: boolean;
}

export type ToWorker =
  | { kind: 'join'; stream: StreamKey; lastEventId: string | null; isShown: boolean }
  | { kind: 'shown'; isShown: boolean }
  | { kind: 'leave' };

export type FromWorker =
  | { kind: 'open'; isResumed: boolean }
  | { kind: 'event'; event: StreamEvent }
  | { kind: 'id'; id: string }
  /** `message` is null when the daemon ended the stream. */
  | { kind: 'break'; message: string | null }
  | { kind: 'pause' }
  | { kind: 'refused'; status: number };

interface Tab {
  port: MessagePort;
  isShown: boolean;
  lastEventId: string | null;
}

/** One stream with the tabs that follow it. */
class SharedStream {
  readonly #key: StreamKey;
  readonly #onEmpty: () => void;
  readonly #tabs = new Set<Tab>();
  readonly #attention = new Attention(false);
  readonly #session: BroadcastChannel;
  #turn: AbortController | undefined;
  #lastEventId: string | undefined;
  #isOpen = false;

  constructor(key: StreamKey, onEmpty: () => void) {
    this.#key = key;
    this.#onEmpty = onEmpty;
    this.#session = new BroadcastChannel(key.channel);
    // it can be another person, who may see other events
    this.#session.onmessage = () => this.#restart();
  }

  join(tab: Tab): void {
    // the first one back continues where it stopped
    if (this.#tabs.size === 0) this.#lastEventId = tab.lastEventId ?? undefined;
    this.#tabs.add(tab);
    if (this.#isOpen) this.#opened(tab);
    this.look();
    if (this.#turn === undefined) this.#restart();
  }

  leave(tab: Tab): void {
    if (!this.#tabs.delete(tab)) return;
    this.look();
    if (this.#tabs.size > 0) return;
    this.#end();
    this.#session.close();
    this.#onEmpty();
  }

  /** Follows the stream while at least one of the tabs is shown. */
  look(): void {
    this.#attention.give([...this.#tabs].some(({ isShown }) => isShown));
  }

  #end(): void {
    this.#turn?.abort();
    this.#turn = undefined;
    this.#isOpen = false;
  }

  #restart(): void {
    if (this.#turn !== undefined) {
      this.#end();
      this.#lastEventId = undefined;
      for (const tab of this.#tabs) tab.lastEventId = null;
    }
    const turn = new AbortController();
    this.#turn = turn;
    const { base, path, timing, endsSignedOut } = this.#key;
    const transport = new FetchTransport(base);
    const isOver = (): boolean => turn.signal.aborted;
    followWhile(this.#attention, {
      source: () => ({ transport, authorization: async () => ({}) }),
      path,
      lastEventId: this.#lastEventId,
      signal: turn.signal,
      timing,
      endsSignedOut,
      onOpen: () => {
        if (isOver()) return;
        this.#isOpen = true;
        for (const tab of this.#tabs) this.#opened(tab);
      },
      onEvent: (event) => this.#tell({ kind: 'event', event }),
      onId: (id) => {
        this.#lastEventId = id;
        for (const tab of this.#tabs) tab.lastEventId = id;
        this.#tell({ kind: 'id', id });
      },
      onBreak: (error) => {
        this.#isOpen = false;
        this.#tell({ kind: 'break', message: error instanceof Error ? error.message : null });
      },
      onPause: () => {
        this.#isOpen = false;
        this.#tell({ kind: 'pause' });
      },
    }).catch(({ status }: { status?: number }) => {
      if (isOver()) return;
      this.#end();
      this.#tell({ kind: 'refused', status: status ?? 0 });
    });
  }

  /** A tab that knows all events up to where the stream is continues; another one has missed some. */
  #opened(tab: Tab): void {
    const isResumed = this.#lastEventId !== undefined && tab.lastEventId === this.#lastEventId;
    tell(tab, { kind: 'open', isResumed });
  }

  #tell(message: FromWorker): void {
    for (const tab of this.#tabs) tell(tab, message);
  }
}

const tell = (tab: Tab, message: FromWorker): void => tab.port.postMessage(message);

const streams = new Map<string, SharedStream>();

function streamFor(key: StreamKey): SharedStream {
  const name = JSON.stringify(key);
  let stream = streams.get(name);
  if (stream === undefined) {
    stream = new SharedStream(key, () => streams.delete(name));
    streams.set(name, stream);
  }
  return stream;
}

declare const self: { onconnect: (event: MessageEvent) => void };

self.onconnect = ({ ports }) => {
  const port = ports[0] as MessagePort;
  let stream: SharedStream | undefined;
  let tab: Tab | undefined;
  const leave = (): void => {
    if (tab !== undefined) stream?.leave(tab);
  };
  // a tab that crashed says nothing
  port.addEventListener('close', leave);
  port.onmessage = ({ data }: MessageEvent<ToWorker>) => {
    if (data.kind === 'join') {
      tab = { port, isShown: data.isShown, lastEventId: data.lastEventId };
      stream = streamFor(data.stream);
      stream.join(tab);
    } else if (data.kind === 'leave') leave();
    else if (tab !== undefined) {
      tab.isShown = data.isShown;
      stream?.look();
    }
  };
};
