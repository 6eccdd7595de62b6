import { type EventStreamOptions, eventStreamOf, type HubEvent } from '#shared/client/event-stream.ts';
import { streamEvents } from '#shared/contract/events.ts';
import type { Daemon } from './daemon.ts';
import { note } from './output.ts';

interface Followed extends Pick<EventStreamOptions, 'lastEventId'> {
  /** The stream was opened; events that come in the meantime wait. */
  onOpen?(isFirst: boolean): Promise<void>;
  onEvent(event: HubEvent): void;
}

/** Follows the events of the daemon, and resumes after each break, until the person presses Ctrl-C. */
export async function followEvents(
  daemon: Daemon,
  query: object,
  { onOpen, onEvent, lastEventId }: Followed,
): Promise<void> {
  let opened: Promise<void> | undefined;
  let isBroken = false;
  const failed = new AbortController();
  const stream = eventStreamOf(
    daemon.http,
    streamEvents,
    { query },
    {
      signal: AbortSignal.any([daemon.signal, failed.signal]),
      lastEventId,
      onOpen: () => {
        if (isBroken) note('streamhub: connected again.');
        isBroken = false;
        const isFirst = opened === undefined;
        opened ??= Promise.resolve();
        opened = opened.then(() => onOpen?.(isFirst));
        opened.catch((error: unknown) => failed.abort(error));
      },
      onBreak: () => {
        if (!isBroken) note('streamhub: the connection broke. It is opened again.');
        isBroken = true;
      },
    },
  );
  for await (const event of stream) {
    await opened;
    onEvent(event);
  }
}
