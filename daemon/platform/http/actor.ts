import type { FastifyRequest } from 'fastify';
import { clientAddress } from './client-address.ts';
import type { Actor } from './types.ts';

/** Who makes a request, for events and the audit trail. */
export function actorOf(request: FastifyRequest): Actor {
  const { principal } = request;
  const label = principal?.email ?? principal?.label;
  return {
    id: principal?.userId ?? 'anonymous',
    ...(label === undefined ? {} : { label }),
    ip: clientAddress(request),
    requestId: request.id,
  };
}
