import { pause } from '../connection/backoff.ts';
import { callOf, listCallOf } from './calls.ts';
import { type Download, type DownloadOptions, downloadLink, downloadOf } from './download.ts';
import { type EventStreamOptions, eventStreamOf } from './event-stream.ts';
import { Http, type HttpOptions } from './http.ts';
import type { Job } from './models.ts';
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
const GET_JOB: PlainOperation = { id: 'getJob', method: 'GET', path: '/jobs/{id}' };
const ENDED: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled']);
/** Milliseconds between two looks at a job; longer each time. */
const FIRST_LOOK = 250;
const LAST_LOOK = 3000;

/** A client of one daemon, which calls the operations that it is given. */
export class Core {
  protected readonly options: HubOptions;
  readonly #http: Http;
  readonly #caller: Caller;

  constructor(options: HubOptions) {
    this.options = options;
    this.#http = new Http(options);
    this.#caller = new Caller((request, signal) => this.#http.send(request, signal));
  }

  /** Address of the daemon, without a slash at the end. */
  get url(): string {
    return this.#http.base;
  }

  /** Downloads from a link that the daemon gave, e.g. `url` of a VOD. The token is not sent. */
  download(link: string, options: DownloadOptions = {}): Promise<Download> {
    return downloadLink(this.#http, link, this.#defaults(options));
  }

  /** Waits until a job has ended, in whichever way: look at its `state`. */
  async waitForJob(id: string, { onProgress, ...options }: WaitOptions = {}): Promise<Job> {
    let shown = '';
    for (let wait = FIRST_LOOK; ; wait = Math.min(LAST_LOOK, wait * 1.5)) {
      const job = (await this.start(GET_JOB, { params: { id } }, options)) as Job;
      const now = JSON.stringify([job.state, job.progress]);
      if (now !== shown) onProgress?.(job);
      shown = now;
      if (ENDED.has(job.state)) return job;
      await pause(wait, options.signal ?? new AbortController().signal);
      options.signal?.throwIfAborted();
    }
  }

  /** Starts a call of any operation: a call, a list, a download or an event stream. */
  protected start(
    op: PlainOperation,
    input?: RequestInput,
    options: CallOptions | DownloadOptions | EventStreamOptions = {},
  ): unknown {
    if (op.produces === 'text/event-stream') return eventStreamOf(this.#http, op, input, options as EventStreamOptions);
    const filled = this.#defaults(options as CallOptions);
    if (op.produces !== undefined) return downloadOf(this.#http, op, input, filled);
    return (op.list ? listCallOf : callOf)(this.#caller, op, input, filled);
  }

  #defaults<O extends CallOptions>(options: O): O {
    const { timeout, retries = DEFAULT_RETRIES } = this.options;
    return { retries, ...(timeout === undefined ? {} : { timeout }), ...options };
  }
}
