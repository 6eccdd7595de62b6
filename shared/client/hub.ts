import { Core, type HubOptions } from './core.ts';
import type { Credential } from './http.ts';
import type { Methods } from './methods.ts';
import { operations } from './operations.ts';
import type { CallOptions, RequestInput } from './wire.ts';

export type { HubOptions, WaitOptions } from './core.ts';

class Base extends Core {
  /** The same daemon with another credential. */
  withToken(token: Credential | undefined): StreamHub {
    return new StreamHub({ ...this.options, token });
  }
}

for (const [id, op] of Object.entries(operations))
  Object.defineProperty(Base.prototype, id, {
    value(this: Base, input?: RequestInput, options?: CallOptions) {
      return this.start(op, input, options);
    },
  });

/** A client of one daemon, with a method for each operation of its API. */
export type StreamHub = Base & Methods;
export const StreamHub = Base as unknown as new (options: HubOptions) => StreamHub;
