import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** Can a server of this machine listen there? On every address unless one is given. */
export function isPortFree(port: number, protocol: 'tcp' | 'udp', address?: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  if (protocol === 'tcp') {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: address, exclusive: true }, () => server.close(() => resolve(true)));
  } else {
    const socket = createSocket(address?.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address, exclusive: true }, () => socket.close(() => resolve(true)));
  }
  return promise;
}
