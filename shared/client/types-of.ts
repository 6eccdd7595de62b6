import type { Operation, ResultOf } from '../contract/operation.ts';
import type { Input } from './input.ts';
import type { Opened } from './opened.ts';
import type { OperationTypes } from './wire.ts';

/** What the types of a declared operation say. */
export interface TypesOf<O extends Operation> extends OperationTypes {
  input: Input<O>;
  result: Opened<ResultOf<O>>;
  kind: KindOf<O>;
}

type KindOf<O extends Operation> = O extends { produces: 'text/event-stream' }
  ? 'events'
  : O extends { produces: string }
    ? 'download'
    : Opened<ResultOf<O>> extends
          | readonly unknown[]
          | { data: readonly unknown[]; total: number }
          | { data: readonly unknown[]; offset: number }
      ? 'list'
      : 'json';
