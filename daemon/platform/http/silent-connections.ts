import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/**
 * Browsers and clients open connections ahead of need. The server counts one that never asked anything as busy, so that a
 * stop would wait for it until its headers are overdue; here it is closed with the idle ones, those too that fall idle
 * while the daemon stops.
 */
export function closeSilentConnections(app: FastifyInstance): void {
  const silent = new Map<string, Socket>();
  // with TLS, a request has another socket than the connection below it
  const nameOf = ({ remoteAddress, remotePort, localAddress }: Socket) =>
    `${remoteAddress} ${remotePort} ${localAddress}`;
  app.server.on('connection', (socket) => {
    const name = nameOf(socket);
    silent.set(name, socket);
    socket.once('close', () => silent.delete(name));
  });
  app.server.on('request', (request) => silent.delete(nameOf(request.socket)));
  app.addHook('preClose', async () => {
    const close = (): void => {
      for (const socket of silent.values()) socket.destroy();
      app.server.closeIdleConnections();
    };
    close();
    // an answer under way may have promised to keep its connection, and a browser may open one more in the meantime
    const timer = setInterval(close, 100).unref();
    app.server.once('close', () => clearInterval(timer));
  });
}
