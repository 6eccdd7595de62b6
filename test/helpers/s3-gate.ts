import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** is before an S3 server and lets its deletions through one by one, or after a while each. */
export interface S3Gate {
  endpoint: string;
  /** Lets the next deletion through that waits or comes. */
  pass(): void;
  /** From now on nothing waits. */
  open(): void;
}

/** @param pace milliseconds that each deletion takes; without it, each waits for `pass()` */
export async function s3Gate(t: { after(fn: () => unknown): void }, endpoint: string, pace?: number): Promise<S3Gate> {
  const { hostname, port } = new URL(endpoint);
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
  const server = http.createServer(async (request, response) => {
    const isDeletion =
      request.method === 'DELETE' || (request.method === 'POST' && /[?&]delete\b/.test(request.url ?? ''));
    if (isDeletion) await turn();
    // the signature holds for the host that was asked
    const { method, url, headers } = request;
    const onward = http.request({ host: hostname, port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pass() {
      const next = waiting.shift();
      if (next === undefined) passes += 1;
      else next();
    },
    open() {
      isOpen = true;
      for (const next of waiting.splice(0)) next();
    },
  };
}
