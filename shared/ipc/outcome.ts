import { Type } from 'typebox';
import { object } from '../schema/common.ts';
import { IPC_ERRORS, type IpcErrorCode, IpcFailure, type IpcError as Shape } from './failure.ts';

export { failure, IPC_ERRORS, type IpcErrorCode, IpcFailure } from './failure.ts';

/** A failure as it crosses the process border. */
export const IpcError = object({
  code: Type.Unsafe<IpcErrorCode>({ type: 'string', enum: Object.keys(IPC_ERRORS) }),
  /** What happened, in a sentence. */
  message: Type.String(),
  /** What can be done about it. */
  hint: Type.Optional(Type.String()),
  /** Plain data for the page, e.g. the certificate that was met. */
  details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
export type IpcError = Shape;

/** Result of a call: never a rejection, so that no part of an error is lost between processes. */
export type Outcome<T> = { ok: true; value: T } | { ok: false; error: IpcError };

/** The value of an answer, or its failure thrown. */
export function unwrap<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw new IpcFailure(outcome.error);
}
