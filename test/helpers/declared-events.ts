import { Value } from 'typebox/value';
import type { DaemonEvent, EventBus } from '#daemon/platform/events/bus.ts';
import { exampleOf } from '#daemon/platform/http/openapi-examples.ts';
import { EVENT_PAYLOADS, type EventData } from '#shared/schema/event-payloads.ts';
import type { EventType } from '#shared/schema/events.ts';

/** An event as its type declares it, for tests that don't care what happened. */
export function sampleEvent<T extends EventType>(
  type: T,
  { data, ...more }: Partial<Omit<DaemonEvent<T>, 'type' | 'data'>> & { data?: Partial<EventData<T>> } = {},
): DaemonEvent<T> {
  const example = exampleOf(EVENT_PAYLOADS[type]) as object;
  return { ...more, type, data: { ...example, ...data } } as unknown as DaemonEvent<T>;
}

/** What is wrong with an event, by the declaration of its type. A field that isn’t declared is wrong, too. */
export function problemsOf({ type, data }: { type: EventType; data: unknown }): string[] {
  const schema = EVENT_PAYLOADS[type];
  // as readers get it
  const read = JSON.parse(JSON.stringify(data)) as object;
  const undeclared = Object.keys(read).filter((key) => !(key in schema.properties));
  return [
    ...undeclared.map((key) => `${type}: ${key} is not declared`),
    ...(Value.Check(schema, read)
      ? []
      : [...Value.Errors(schema, read)].map((one) => `${type}: ${one.instancePath} ${one.message}`)),
  ];
}

/** Collects what is wrong with the events from now on, each problem once. */
export function watchEvents(events: EventBus): ReadonlySet<string> {
  const found = new Set<string>();
  events.subscribe((event) => {
    for (const problem of problemsOf(event)) found.add(problem);
  });
  return found;
}
