import type { Area, Call, Push } from './channel.ts';
import { schemaError } from './check.ts';
import { type DesktopBridge, ipc } from './index.ts';
import { failure, type Outcome } from './outcome.ts';

/** What carries calls and pushes across the process border: Electron's IPC, or a socket in tests. */
export interface BridgeTransport {
  invoke(channel: string, args: unknown): Promise<unknown>;
  /** @returns the way to stop listening */
  listen(channel: string, listener: (payload: unknown) => void): () => void;
}

/** Builds `window.streamhub` from the contract. What does not fit it is stopped on this side too, in both directions. */
export function createBridge(transport: BridgeTransport): DesktopBridge {
  const bridge: Record<string, object> = {};
  for (const [areaName, area] of Object.entries(ipc) as [string, Area][]) {
    const methods: Record<string, unknown> = {};
    for (const [name, call] of Object.entries(area.calls))
      methods[name] = caller(transport, `${areaName}:${name}`, call);
    for (const [name, push] of Object.entries(area.pushes))
      methods[`on${name.charAt(0).toUpperCase()}${name.slice(1)}`] = hearer(transport, `${areaName}:${name}`, push);
    bridge[areaName] = Object.freeze(methods);
  }
  return Object.freeze(bridge) as unknown as DesktopBridge;
}

function caller(transport: BridgeTransport, channel: string, call: Call) {
  return async (args: unknown = {}): Promise<Outcome<unknown>> => {
    const wrong = schemaError(call.args, args);
    if (wrong !== undefined) return refuse('BAD_CALL', channel, wrong);
    let outcome: Outcome<unknown>;
    try {
      outcome = (await transport.invoke(channel, args)) as Outcome<unknown>;
    } catch (error) {
      return { ok: false, error: failure('INTERNAL', { reason: (error as Error).message }).toJSON() };
    }
    if (!outcome?.ok) return outcome ?? refuse('BAD_ANSWER', channel, 'it is empty');
    const odd = schemaError(call.result, outcome.value);
    return odd === undefined ? outcome : refuse('BAD_ANSWER', channel, odd);
  };
}

function hearer(transport: BridgeTransport, channel: string, push: Push) {
  return (listener: (payload: unknown) => void): (() => void) =>
    transport.listen(channel, (payload) => {
      const odd = schemaError(push.payload, payload);
      if (odd === undefined) listener(payload);
      else console.error(failure('BAD_ANSWER', { channel, reason: odd }).message);
    });
}

function refuse(code: 'BAD_CALL' | 'BAD_ANSWER', channel: string, reason: string): Outcome<never> {
  return { ok: false, error: failure(code, { channel, reason }).toJSON() };
}
