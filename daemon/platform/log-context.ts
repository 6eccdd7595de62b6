import { AsyncLocalStorage } from 'node:async_hooks';

/** What every line has that is written during a request or job, unless the line has the field itself. */
export interface LogContext {
  requestId?: string | undefined;
  /** Name of the app that it is about. */
  app?: string | undefined;
  job?: number | undefined;
}

const storage = new AsyncLocalStorage<LogContext | undefined>();

/** The fields of the work under way; for the logger. */
export const logContext = (): LogContext => storage.getStore() ?? {};

/** Runs `work`; lines that it causes carry the fields. */
export const withLogContext = <T>(fields: LogContext, work: () => T): T => storage.run(fields, work);

/** How work leaves the trace that it began in; tracing sets it (tracing.ts), because the edge agent has none. */
let leave = <T>(work: () => T): T => work();
export const leaveWith = (run: typeof leave): void => {
  leave = run;
};

/** Runs `work` as if nobody had asked for it: a timer serves later requests, too. */
export const withoutLogContext = <T>(work: () => T): T => leave(() => storage.run(undefined, work));

/** Adds what became known during the work, for its later lines. */
export function noteLogContext(fields: LogContext): void {
  const store = storage.getStore();
  if (store !== undefined) Object.assign(store, fields);
}
