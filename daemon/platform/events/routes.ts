import type { FastifyInstance } from 'fastify';
import * as ops from '#shared/contract/events.ts';
import type { Credential } from '../credentials.ts';
import { clientAddress } from '../http/client-address.ts';
import { route } from '../http/route.ts';
import type { EventService } from './service.ts';

export function eventRoutes(app: FastifyInstance, { eventStream }: { eventStream: EventService }): void {
  // the server's close waits for open connections
  app.addHook('preClose', async () => eventStream.closeReaders());
  route(app, ops.streamEvents, ({ principal, query, request, reply }) => {
    const headers: Record<string, string> = {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      // nothing follows on it, and a stop need not wait for it to fall idle
      connection: 'close',
      // proxies that gather answers would hold the events back
      'x-accel-buffering': 'no',
    };
    eventStream.open(reply.raw, headers, {
      principal,
      credential: request.credential as Credential,
      ip: clientAddress(request),
      query,
      lastEventId: request.headers['last-event-id'] as string | undefined,
    });
    return reply.hijack();
  });
}
