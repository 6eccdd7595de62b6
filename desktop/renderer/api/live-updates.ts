import type { Opened } from '#shared/client/opened.ts';
import type { Operation, ResultOf } from '#shared/contract/operation.ts';
import type { EventData } from '#shared/schema/event-payloads.ts';
import type { EventTopic, EventType } from '#shared/schema/events.ts';

/** What the daemon's events mean for cached answers. */
export interface LiveUpdates {
  /** The reads to repeat after an event, by its exact type, else by its topic. An empty list: none of them shows it. */
  refreshes?: Readonly<Partial<Record<EventTopic | EventType, readonly Operation[]>>>;
  /** Events that carry the news themselves. @returns false when the reads in `refreshes` have to be repeated */
  patches?: { readonly [T in EventType]?: (cache: LiveCache, data: EventData<T>) => boolean };
}

/** The cached answers of one connection. */
export interface LiveCache {
  /** Changes every cached answer of the operation. */
  patch<O extends Operation>(op: O, change: (data: Opened<ResultOf<O>>) => Opened<ResultOf<O>>): void;
  /** Repeats the operation where it is shown. Minimum interval in milliseconds. */
  refreshAtMost(op: Operation, everyMs: number): void;
}

/** The reads that an event makes stale. */
export const readsAfter = (updates: readonly LiveUpdates[], topic: EventTopic, type: EventType): Operation[] =>
  updates.flatMap(({ refreshes }) => refreshes?.[type] ?? refreshes?.[topic] ?? []);
