import type { Static, TSchema } from 'typebox';
import type { Outcome } from './outcome.ts';

/** A question that the renderer puts to the main process. */
export interface Call<A extends TSchema = TSchema, R extends TSchema = TSchema> {
  /** What it does, in a line. */
  doc: string;
  args: A;
  result: R;
}

/** Something that the main process tells every window, unasked. */
export interface Push<P extends TSchema = TSchema> {
  doc: string;
  payload: P;
}

/** The channels of one area. A call's channel is `area:name`; a push is heard through `onName`. */
export interface Area {
  calls: Readonly<Record<string, Call>>;
  pushes: Readonly<Record<string, Push>>;
}

/** Declares a call, keeping its exact types. */
export function call<A extends TSchema, R extends TSchema>(doc: string, args: A, result: R): Call<A, R> {
  return { doc, args, result };
}

/** Declares a push, keeping its exact types. */
export function push<P extends TSchema>(doc: string, payload: P): Push<P> {
  return { doc, payload };
}

type ArgsOf<C extends Call> = Static<C['args']>;
type ValueOf<C extends Call> = Static<C['result']>;
export type PayloadOf<P extends Push> = Static<P['payload']>;

type Method<C extends Call> =
  Record<never, never> extends ArgsOf<C>
    ? (args?: ArgsOf<C>) => Promise<Outcome<ValueOf<C>>>
    : (args: ArgsOf<C>) => Promise<Outcome<ValueOf<C>>>;

/** The face of an area in the renderer: a method for each call, `onX(listener)` for each push; it returns the way to stop listening. */
export type AreaBridge<A extends Area> = {
  readonly [C in keyof A['calls'] & string]: Method<A['calls'][C]>;
} & {
  readonly [P in keyof A['pushes'] & string as `on${Capitalize<P>}`]: (
    listener: (payload: PayloadOf<A['pushes'][P]>) => void,
  ) => () => void;
};

/** What the main process has to provide for an area: the plain value, or a thrown IpcFailure. */
export type AreaHandlers<A extends Area> = {
  readonly [C in keyof A['calls'] & string]: (
    args: ArgsOf<A['calls'][C]>,
  ) => ValueOf<A['calls'][C]> | Promise<ValueOf<A['calls'][C]>>;
};
