import { listCallOf } from '#shared/client/calls.ts';
import { Http } from '#shared/client/http.ts';
import type { StreamHub } from '#shared/client/hub.ts';
import type { Input } from '#shared/client/input.ts';
import type { ListCall } from '#shared/client/methods.ts';
import { plainOperation } from '#shared/client/plain-operation.ts';
import { Caller } from '#shared/client/request.ts';
import type { CallOptions, RequestInput } from '#shared/client/wire.ts';
import type { Operation, ResultOf } from '#shared/contract/operation.ts';
import { EXIT, Interrupted } from '../exit-codes.ts';
import { type ConnectionOptions, httpOptionsOf, type Target, targetOf } from './connection.ts';

/** How long an interrupted command may take to clean up. */
const CLEAN_UP_MS = 3000;

/** How often a call is repeated where that is safe. */
const RETRIES = 1;

/** The daemon that a command speaks to. Every call ends when the person presses Ctrl-C. */
export class Daemon {
  readonly target: Target;
  readonly http: Http;
  readonly signal: AbortSignal;
  readonly #caller: Caller;

  constructor(target: Target, signal: AbortSignal) {
    this.target = target;
    this.signal = signal;
    this.http = new Http(httpOptionsOf(target));
    this.#caller = new Caller((request, both) => this.http.send(request, both), RETRIES);
  }

  /** Calls the operation and gives its body. */
  async call<O extends Operation>(op: O, input?: Input<O>, options?: CallOptions): Promise<ResultOf<O>> {
    const { data } = await this.#caller.request(op, input, { signal: this.signal, ...options });
    return data as ResultOf<O>;
  }

  /** Starts a call of any operation: an envelope is opened, and the rows of a list can be iterated over. */
  start(op: Operation, input: RequestInput, timeout?: number): ListCall<unknown> {
    return listCallOf(this.#caller, plainOperation(op), input, {
      signal: this.signal,
      ...(timeout === undefined ? {} : { timeout }),
    });
  }

  /** The client with all operations. It takes longer to load. */
  async hub(): Promise<StreamHub> {
    const { StreamHub: Hub } = await import('#shared/client/hub.ts');
    return new Hub(httpOptionsOf(this.target));
  }
}

/** Runs a piece of work with the daemon that the options, the environment or the current context name. */
export async function withDaemon<T>(options: ConnectionOptions, work: (daemon: Daemon) => Promise<T>): Promise<T> {
  return work(new Daemon(await targetOf(options), interruption()));
}

let shared: AbortController | undefined;

/** Aborted at the first Ctrl-C (SIGTERM, SIGHUP). The second ends the process. */
export function interruption(): AbortSignal {
  if (shared !== undefined) return shared.signal;
  const controller = new AbortController();
  shared = controller;
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted.code);
    controller.abort(new Interrupted());
    setTimeout(() => process.exit(EXIT.interrupted.code), CLEAN_UP_MS).unref();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  return controller.signal;
}
