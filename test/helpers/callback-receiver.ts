import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request that a receiver got. */
interface Received {
  path: string;
  headers: http.IncomingHttpHeaders;
  raw: string;
  body: any;
}

type Behaviour = number | ((received: Received, response: http.ServerResponse) => void);

/** A receiver of callbacks that fails when told to. */
export interface CallbackReceiver {
  url: string;
  received: Received[];
  /** How the next requests are answered, one after the other; then with 204. */
  behave(...behaviours: Behaviour[]): void;
  /** The oldest request that fits and was not taken yet; those that do not fit stay for others. */
  next(fits?: (received: Received) => boolean): Promise<Received>;
  /** Takes the receiver away and brings it back at the same address. */
  close(): Promise<void>;
  open(): Promise<void>;
}

export async function callbackReceiver(t: { after(fn: () => unknown): void }): Promise<CallbackReceiver> {
  const received: Received[] = [];
  const queue: Behaviour[] = [];
  const waiting = new Set<() => void>();
  const taken = new Set<Received>();
  let port = 0;
  let server: http.Server;
  const open = async (): Promise<void> => {
    server = http.createServer((request, response) => {
      let raw = '';
      request.setEncoding('utf8');
      request.on('data', (chunk: string) => {
        raw += chunk;
      });
      request.on('end', () => {
        const one: Received = { path: request.url ?? '', headers: request.headers, raw, body: JSON.parse(raw) };
        received.push(one);
        const behaviour = queue.shift() ?? 204;
        if (typeof behaviour === 'number') response.writeHead(behaviour).end();
        else behaviour(one, response);
        for (const wake of waiting) wake();
        waiting.clear();
      });
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  };
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  await open();
  t.after(close);
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    behave: (...behaviours) => void queue.push(...behaviours),
    async next(fits = () => true) {
      for (;;) {
        const one = received.find((other) => !taken.has(other) && fits(other));
        if (one !== undefined) {
          taken.add(one);
          return one;
        }
        await new Promise<void>((resolve) => waiting.add(resolve));
      }
    },
    close,
    open,
  };
}
