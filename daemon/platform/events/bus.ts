import { EventEmitter } from 'node:events';
import type { EventData } from '#shared/schema/event-payloads.ts';
import type { EventType } from '#shared/schema/events.ts';
import type { Actor } from '../http/types.ts';

interface Announced {
  /** Name of the app it concerns; decides together with `tenant` who may see it. */
  app?: string;
  tenant?: string;
  /** Id of the person whom it is about, who may see it as well. */
  user?: string;
  /** Who caused it; absent = the daemon itself. */
  actor?: Actor;
  /** Shown to anyone who listens now and not kept for those who resume: log lines, progress, measurements. */
  live?: boolean;
}

/** Something that happened, as services announce it. `data` is what the type declares; never a secret. */
export type DaemonEvent<T extends EventType = EventType> = T extends EventType
  ? Announced & { type: T; data: EventData<T> }
  : never;

/** In-process announcements. A listener that throws, or whose promise rejects, is reported and doesn't affect others. */
export class EventBus {
  readonly #emitter = new EventEmitter({ captureRejections: false }).setMaxListeners(0);
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  publish(event: DaemonEvent): void {
    this.#emitter.emit('event', event);
  }

  /** @returns the function that ends the subscription */
  subscribe(listener: (event: DaemonEvent) => unknown): () => void {
    const guarded = (event: DaemonEvent): void => {
      try {
        const outcome = listener(event);
        if (outcome instanceof Promise) outcome.catch(this.#onError);
      } catch (error) {
        this.#onError(error);
      }
    };
    this.#emitter.on('event', guarded);
    return () => this.#emitter.off('event', guarded);
  }
}
