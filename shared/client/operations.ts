import { type contract, operations as declared } from '../contract/index.ts';
import type { Operation, ResultOf } from '../contract/operation.ts';
import type { Input } from './input.ts';
import type { Opened } from './opened.ts';
import { plainOperation } from './plain-operation.ts';
import type { OperationTypes, PlainOperation } from './wire.ts';

/**
 * Every operation, by its id. The package of the client has this module as generated text instead (build/build-client.mjs):
 * plain descriptions, and types from the OpenAPI document.
 */
export const operations: Readonly<Record<string, PlainOperation>> = Object.fromEntries(
  declared.map((op) => [op.id, plainOperation(op)]),
);

type Contract = typeof contract;
type Declared = { [G in keyof Contract]: Contract[G][keyof Contract[G]] }[keyof Contract];

/** Each operation's input and result. */
export type Operations = { [O in Declared as O['id']]: TypesOf<O> };

interface TypesOf<O extends Operation> extends OperationTypes {
  input: Input<O>;
  result: Opened<ResultOf<O>>;
  kind: KindOf<O>;
}

type KindOf<O extends Operation> = O extends { produces: 'text/event-stream' }
  ? 'events'
  : O extends { produces: string }
    ? 'download'
    : Opened<ResultOf<O>> extends readonly unknown[] | { data: readonly unknown[]; total: number }
      ? 'list'
      : 'json';
