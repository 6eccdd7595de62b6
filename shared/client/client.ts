import type { Operation, ResultOf } from '../contract/operation.ts';
import type { Input } from './input.ts';
import { Caller } from './request.ts';
import type { Answer, CallOptions, RequestInput, Send } from './wire.ts';

export { API_BASE } from './base.ts';

/** Calls operations of the contract on one daemon. */
export class Client {
  readonly #caller: Caller;

  constructor(send: Send) {
    this.#caller = new Caller(send);
  }

  /** Calls the operation and gives its body. */
  async call<O extends Operation>(op: O, input?: Input<O>, options?: CallOptions): Promise<ResultOf<O>> {
    return (await this.answer(op, input, options)).data;
  }

  /** Calls the operation and gives status, headers and body. */
  async answer<O extends Operation>(op: O, input?: Input<O>, options: CallOptions = {}): Promise<Answer<ResultOf<O>>> {
    return (await this.#caller.request(op, input as RequestInput | undefined, options)) as Answer<ResultOf<O>>;
  }
}
