import { once } from 'node:events';
import { addressOf, isDeletion, s3ProxyServer } from './s3-proxy.ts';

/** A proxy before an S3 server that lets its deletions through one by one, or after a while each. */
export interface S3Gate {
  endpoint: string;
  /** Lets the next deletion through that waits or comes. */
  pass(): void;
  /** From now on nothing waits. */
  open(): void;
  /** From now on connections are refused; those under way break, with what waits. */
  close(): void;
  /** Takes connections again, at the same address. */
  reopen(): Promise<void>;
}

/** @param pace milliseconds that each deletion takes; without it, each waits for `pass()` */
export async function s3Gate(t: { after(fn: () => unknown): void }, endpoint: string, pace?: number): Promise<S3Gate> {
  const waiting: (() => void)[] = [];
  let passes = 0;
  let isOpen = false;
  const turn = (): Promise<unknown> => {
    if (isOpen) return Promise.resolve();
    if (pace !== undefined) return new Promise((resolve) => setTimeout(resolve, pace));
    if (passes > 0) {
      passes -= 1;
      return Promise.resolve();
    }
    return new Promise<void>((resolve) => waiting.push(resolve));
  };
  const server = await s3ProxyServer(t, endpoint, async (request) => {
    if (isDeletion(request)) await turn();
    return undefined;
  });
  const address = addressOf(server);
  return {
    endpoint: address,
    pass() {
      const next = waiting.shift();
      if (next === undefined) passes += 1;
      else next();
    },
    open() {
      isOpen = true;
      for (const next of waiting.splice(0)) next();
    },
    close() {
      waiting.length = 0;
      server.close();
      server.closeAllConnections();
    },
    async reopen() {
      server.listen(Number(new URL(address).port), '127.0.0.1');
      await once(server, 'listening');
    },
  };
}
