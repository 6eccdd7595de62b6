import type { Area, Call } from '#shared/ipc/channel.ts';
import { schemaError } from '#shared/ipc/check.ts';
import { type IpcHandlers, ipc } from '#shared/ipc/index.ts';
import { failure, IpcFailure, type Outcome } from '#shared/ipc/outcome.ts';

/** Answers a call by its channel's name. Never rejects. */
export type Dispatch = (channel: string, args: unknown) => Promise<Outcome<unknown>>;

type Handler = (args: never) => unknown;

/** Every call of the contract bound to its handler; arguments and answers that do not fit the contract are stopped here. */
export function createDispatcher(handlers: IpcHandlers, onBug: (channel: string, error: unknown) => void): Dispatch {
  const table = new Map<string, { call: Call; handle: Handler }>();
  for (const [areaName, area] of Object.entries(ipc) as [keyof IpcHandlers, Area][]) {
    const own = handlers[areaName] as Record<string, Handler | undefined>;
    for (const [name, call] of Object.entries(area.calls)) {
      const handle = own[name];
      if (handle === undefined) throw new Error(`nothing handles ${areaName}:${name}`);
      table.set(`${areaName}:${name}`, { call, handle });
    }
  }
  return async (channel, args) => {
    const entry = table.get(channel);
    if (entry === undefined) return refused(failure('UNKNOWN_CHANNEL', { channel: String(channel).slice(0, 80) }));
    const wrong = schemaError(entry.call.args, args);
    if (wrong !== undefined) return refused(failure('BAD_CALL', { channel, reason: wrong }));
    try {
      const value = (await entry.handle(args as never)) ?? null;
      const odd = schemaError(entry.call.result, value);
      if (odd === undefined) return { ok: true, value };
      const bug = failure('BAD_ANSWER', { channel, reason: odd });
      onBug(channel, bug);
      return refused(bug);
    } catch (error) {
      if (error instanceof IpcFailure) return refused(error);
      onBug(channel, error);
      return refused(failure('INTERNAL', { reason: (error as Error).message }));
    }
  };
}

const refused = (error: IpcFailure): Outcome<never> => ({ ok: false, error: error.toJSON() });
