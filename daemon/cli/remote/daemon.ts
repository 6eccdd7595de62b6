import type { Answer, CallOptions, Client, Input } from '#shared/client/client.ts';
import type { Operation, ResultOf } from '#shared/contract/operation.ts';
import { EXIT, Interrupted } from '../exit-codes.ts';
import { type ConnectionOptions, clientFor, type Target, targetOf } from './connection.ts';

/** How long an interrupted command may take to clean up. */
const CLEAN_UP_MS = 3000;

/** The daemon that a command speaks to. Every call ends when the person presses Ctrl-C. */
export class Daemon {
  readonly target: Target;
  readonly signal: AbortSignal;
  readonly #client: Client;

  constructor(target: Target, signal: AbortSignal) {
    this.target = target;
    this.signal = signal;
    this.#client = clientFor(target);
  }

  /** Calls the operation and gives its body. */
  call<O extends Operation>(op: O, input?: Input<O>, options?: CallOptions): Promise<ResultOf<O>> {
    return this.#client.call(op, input, { signal: this.signal, ...options });
  }

  /** Calls the operation and gives status, headers and body. */
  answer<O extends Operation>(op: O, input?: Input<O>, options?: CallOptions): Promise<Answer<ResultOf<O>>> {
    return this.#client.answer(op, input, { signal: this.signal, ...options });
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
