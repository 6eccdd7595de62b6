import type { FastifyInstance } from 'fastify';
import { appParamOf } from '#shared/contract/operation.ts';
import { ApiError } from '#shared/errors.ts';
import { hookOperations } from './hook-operations.ts';

/** Refuses changes of an app while it is being deleted; reading it and joining the deletion stay possible. */
export function installDeletingGuard(app: FastifyInstance, isDeleting: (name: string) => boolean): void {
  hookOperations(app, 'preHandler', (op) => {
    const param = op.method === 'GET' || op.id === 'deleteApp' ? undefined : appParamOf(op);
    if (param === undefined) return undefined;
    return (request, _reply, done) => {
      const name = (request.params as Record<string, string>)[param];
      done(name !== undefined && isDeleting(name) ? new ApiError('APP_BUSY', { name }) : undefined);
    };
  });
}
