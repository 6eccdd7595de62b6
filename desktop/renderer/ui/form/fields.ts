import { DaemonError } from '#shared/client/errors.ts';
import { HostError } from '../../host/bridge.ts';

/** What the daemon says of single fields, by their path in the body, and what is left to say of the whole. */
export function fieldErrors(error: unknown): { of: (path: string) => string | undefined; rest: unknown } {
  const isKnown = error instanceof DaemonError || error instanceof HostError;
  if (!isKnown || error.details.length === 0) return { of: () => undefined, rest: error ?? undefined };
  const byPath = new Map<string, string>();
  for (const { path, message } of error.details) byPath.set(path.replace(/^body\./, ''), message);
  return { of: (path) => byPath.get(path), rest: undefined };
}
