import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';

/** The network between a client and a server, which a test can cut. */
export interface Line {
  url: string;
  /** Leads elsewhere from now on; undefined: nothing answers. */
  lead(to: string | undefined): void;
  /** Cuts each of the next connections after so many bytes from the server. */
  cutAfter(...bytes: number[]): void;
  /** Cuts that were made. */
  cuts(): number;
}

/** Starts a line to a server; it ends with the test. */
export async function line(t: { after(fn: () => unknown): void }, target?: string): Promise<Line> {
  let place = target === undefined ? undefined : new URL(target);
  let made = 0;
  let limits: number[] = [];
  const sockets = new Set<Socket>();
  const server = net.createServer((near) => {
    if (place === undefined) return near.destroy();
    const far = net.connect(Number(place.port), place.hostname);
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', end).on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    let sent = 0;
    near.pipe(far);
    far.on('data', (chunk: Buffer) => {
      sent += chunk.length;
      const limit = limits[0];
      if (limit !== undefined && sent >= limit) {
        limits.shift();
        made += 1;
        near.write(chunk.subarray(0, chunk.length - (sent - limit)), end);
      } else if (!near.write(chunk)) {
        far.pause();
        near.once('drain', () => far.resume());
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lead: (to) => {
      place = to === undefined ? undefined : new URL(to);
      for (const socket of sockets) socket.destroy();
    },
    cutAfter: (...bytes) => {
      limits = bytes;
    },
    cuts: () => made,
  };
}
