import type { ServerResponse } from 'node:http';
import type { EventTopic } from '#shared/schema/events.ts';
import type { Credential } from '../credentials.ts';
import type { Principal } from '../principal.ts';
import { type Audience, maySee } from './topics.ts';

/** Bytes that may wait for a reader; beyond, it is cut off and can resume. */
const MAX_WAITING = 1_048_576;
/** Beats in a row that a reader may leave unread. */
const MAX_STALLED_BEATS = 4;

export interface ReaderOptions {
  principal: Principal;
  /** Asked again and again, so that a revoked credential ends the stream. */
  credential: Credential;
  ip: string;
  topics: ReadonlySet<EventTopic>;
  app: string | undefined;
}

/** One open event stream. */
export class EventReader {
  principal: Principal;
  readonly options: ReaderOptions;
  /** False while older events are being sent. */
  isLive = false;
  readonly #response: ServerResponse;
  #stalledBeats = 0;
  #onEnd: () => void;

  constructor(response: ServerResponse, options: ReaderOptions, onEnd: () => void) {
    this.#response = response;
    this.options = options;
    this.principal = options.principal;
    this.#onEnd = onEnd;
    response.on('close', () => this.#ended());
    response.on('error', () => this.#ended());
  }

  get isOpen(): boolean {
    return !this.#response.destroyed && !this.#response.writableEnded;
  }

  /** It should be given time to take what was sent. */
  get isFull(): boolean {
    return this.#response.writableNeedDrain;
  }

  wants(event: Audience): boolean {
    const { topics, app } = this.options;
    return topics.has(event.topic) && (app === undefined || event.app === app) && maySee(this.principal, event);
  }

  /** Sends a frame; a reader that is too far behind is cut off. */
  send(frame: Buffer | string): void {
    if (!this.isOpen) return;
    this.#response.write(frame);
    if (this.#response.writableLength > MAX_WAITING) this.cut();
  }

  /** Keeps the connection alive; one that takes nothing for several beats is cut off. */
  beat(frame: string): void {
    if (!this.isOpen) return;
    this.#stalledBeats = this.#response.writableLength > 0 ? this.#stalledBeats + 1 : 0;
    if (this.#stalledBeats >= MAX_STALLED_BEATS) this.cut();
    else this.send(frame);
  }

  /** Resolves once what was sent is on its way, with false when the reader is gone. */
  async drained(): Promise<boolean> {
    if (this.isOpen && this.isFull) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#response.off('drain', done);
          this.#response.off('close', done);
          resolve();
        };
        this.#response.on('drain', done);
        this.#response.on('close', done);
      });
    } else await new Promise((resolve) => setImmediate(resolve));
    return this.isOpen;
  }

  /** Says good-bye and closes in order. */
  end(frame: string): void {
    if (this.isOpen) this.#response.end(frame);
  }

  cut(): void {
    this.#response.destroy();
  }

  #ended(): void {
    const tell = this.#onEnd;
    this.#onEnd = () => {};
    tell();
  }
}
