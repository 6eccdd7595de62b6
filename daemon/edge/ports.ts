import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** Can a server of this machine listen there? On every address unless one is given. */
export const isPortFree = async (port: number, protocol: 'tcp' | 'udp', address?: string): Promise<boolean> =>
  (await portProblem(port, protocol, address)) === null;

/** Why no server of this machine can listen there, as the system's code, such as EADDRINUSE or EACCES; null = it can. */
export function portProblem(port: number, protocol: 'tcp' | 'udp', address?: string): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const failed = ({ code = 'failed' }: NodeJS.ErrnoException): void => resolve(code);
  if (protocol === 'tcp') {
    const server = createServer();
    server.once('error', failed);
    server.listen({ port, host: address, exclusive: true }, () => server.close(() => resolve(null)));
  } else {
    const socket = createSocket(address?.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', (error) => {
      socket.close();
      failed(error);
    });
    socket.bind({ port, address, exclusive: true }, () => socket.close(() => resolve(null)));
  }
  return promise;
}
