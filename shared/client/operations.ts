import { type contract, operations as declared } from '../contract/index.ts';
import { plainOperation } from './plain-operation.ts';
import type { TypesOf } from './types-of.ts';
import type { PlainOperation } from './wire.ts';

/**
 * Every operation, by its id. The package of the client has this module as generated text instead (build/client/build.ts):
 * plain descriptions, and types from the OpenAPI document.
 */
export const operations: Readonly<Record<string, PlainOperation>> = Object.fromEntries(
  declared.map((op) => [op.id, plainOperation(op)]),
);

type Contract = typeof contract;
type Declared = { [G in keyof Contract]: Contract[G][keyof Contract[G]] }[keyof Contract];

/** Each operation's input and result. */
export type Operations = { [O in Declared as O['id']]: TypesOf<O> };
