import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/**
 * Browsers and clients open connections ahead of need. The server counts one that never asked anything as busy, so that a
 * stop would wait for it until its headers are overdue; here it is closed with the idle ones, those too that fall idle
 * while the daemon stops.
 */
export function closeSilentConnections(app: FastifyInstance): void {
  const silent = new Set<Socket>();
  const speaks = (socket: Socket): void => {
    silent.delete(socket);
  };
  app.server.on('connection', (socket) => {
    silent.add(socket);
    socket.once('close', () => speaks(socket));
  });
  app.server.on('request', (request) => speaks(request.socket));
  app.addHook('preClose', async () => {
    const close = (): void => {
      for (const socket of silent) socket.destroy();
      app.server.closeIdleConnections();
    };
    close();
    // an answer under way may have promised to keep its connection, and a browser may open one more in the meantime
    const timer = setInterval(close, 100).unref();
    app.server.once('close', () => clearInterval(timer));
  });
}
