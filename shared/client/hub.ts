import { pause } from '../connection/backoff.ts';
import { callOf, listCallOf } from './calls.ts';
import { type Download, type DownloadOptions, downloadLink, downloadOf } from './download.ts';
import { type EventStreamOptions, eventStreamOf } from './event-stream.ts';
import { type Credential, Http, type HttpOptions } from './http.ts';
import type { Methods } from './methods.ts';
import type { Job } from './models.ts';
import { operations } from './operations.ts';
import { Caller } from './request.ts';
import type { CallOptions, PlainOperation, RequestInput } from './wire.ts';

export interface HubOptions extends HttpOptions {
  /** How often a call is repeated where that is safe; 2 by default. */
  retries?: number;
  /** Milliseconds until an attempt is given up; 30 s by default. */
  timeout?: number;
}

export interface WaitOptions extends CallOptions {
  /** Called when state or progress of the job have changed. */
  onProgress?(job: Job): void;
}

const DEFAULT_RETRIES = 2;
const ENDED: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled']);
/** Milliseconds between two looks at a job; longer each time. */
const FIRST_LOOK = 250;
const LAST_LOOK = 3000;

class Base {
  readonly #options: HubOptions;
  readonly #http: Http;
  readonly #caller: Caller;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#http = new Http(options);
    this.#caller = new Caller(
      (request, signal) => this.#http.send(request, signal),
      options.retries ?? DEFAULT_RETRIES,
    );
  }

  /** Address of the daemon, without a slash at the end. */
  get url(): string {
    return this.#http.base;
  }

  /** The same daemon with another credential. */
  withToken(token: Credential | undefined): StreamHub {
    return new StreamHub({ ...this.#options, token });
  }

  /** Downloads from a link that the daemon gave, e.g. `url` of a VOD. The token is not sent. */
  download(link: string, options: DownloadOptions = {}): Promise<Download> {
    return downloadLink(this.#http, link, this.#defaults(options));
  }

  /** Waits until a job has ended, in whichever way: look at its `state`. */
  async waitForJob(id: string, { onProgress, ...options }: WaitOptions = {}): Promise<Job> {
    let shown = '';
    for (let wait = FIRST_LOOK; ; wait = Math.min(LAST_LOOK, wait * 1.5)) {
      const job = (await this.call('getJob', { params: { id } }, options)) as Job;
      const now = JSON.stringify([job.state, job.progress]);
      if (now !== shown) onProgress?.(job);
      shown = now;
      if (ENDED.has(job.state)) return job;
      await pause(wait, options.signal ?? new AbortController().signal);
      options.signal?.throwIfAborted();
    }
  }

  /** Calls an operation by its id. */
  call(id: string, input?: RequestInput, options: CallOptions | DownloadOptions | EventStreamOptions = {}): unknown {
    const op = operations[id] as PlainOperation;
    if (op.produces === 'text/event-stream') return eventStreamOf(this.#http, op, input, options as EventStreamOptions);
    const filled = this.#defaults(options as CallOptions);
    if (op.produces !== undefined) return downloadOf(this.#http, op, input, filled);
    return (op.list ? listCallOf : callOf)(this.#caller, op, input, filled);
  }

  #defaults<O extends CallOptions>(options: O): O {
    const { timeout, retries = DEFAULT_RETRIES } = this.#options;
    return { retries, ...(timeout === undefined ? {} : { timeout }), ...options };
  }
}

for (const id of Object.keys(operations))
  Object.defineProperty(Base.prototype, id, {
    value(this: Base, input?: RequestInput, options?: CallOptions) {
      return this.call(id, input, options);
    },
  });

/** A client of one daemon, with a method for each operation of its API. */
export type StreamHub = Omit<Base, 'call'> & Methods;
export const StreamHub = Base as unknown as new (options: HubOptions) => StreamHub;
