import type { FastifyInstance } from 'fastify';
import { appParamOf } from '#shared/contract/operation.ts';
import { ApiError } from '#shared/errors.ts';

/** Refuses changes of an app while it is being deleted; reading it and joining the deletion stay possible. */
export function installDeletingGuard(app: FastifyInstance, isDeleting: (name: string) => boolean): void {
  app.addHook('preHandler', (request, _reply, done) => {
    const op = request.routeOptions.config.operation;
    const param = op === undefined || op.method === 'GET' || op.id === 'deleteApp' ? undefined : appParamOf(op);
    const name = param === undefined ? undefined : (request.params as Record<string, string>)[param];
    done(name !== undefined && isDeleting(name) ? new ApiError('APP_BUSY', { name }) : undefined);
  });
}
