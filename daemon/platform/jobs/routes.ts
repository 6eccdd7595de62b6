import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import * as ops from '#shared/contract/jobs.ts';
import { ok } from '#shared/schema/common.ts';
import { route } from '../http/route.ts';
import type { JobService } from './service.ts';

/** Changes with anything of the job, so that a client can ask for news only. */
const etagOf = (json: string): string => `"${createHash('sha256').update(json).digest('base64url').slice(0, 22)}"`;

export function jobRoutes(app: FastifyInstance, { jobs }: { jobs: JobService }): void {
  // a request that waits for a job must not hold up the shutdown; the job itself continues with the next start
  app.addHook('preClose', async () => jobs.releaseWaiters());
  route(app, ops.listJobs, ({ principal, query }) => jobs.list(principal, query));
  route(app, ops.getJob, ({ principal, params, request, reply }) => {
    const job = jobs.get(principal, params.id);
    const etag = etagOf(JSON.stringify(job));
    reply.header('etag', etag);
    return request.headers['if-none-match'] === etag ? reply.code(304).send() : ok(job);
  });
  route(app, ops.cancelJob, async ({ principal, params }) => ok(await jobs.cancel(principal, params.id)));
  route(app, ops.retryJob, ({ principal, params, reply }) => {
    reply.header('location', `/api/v1/jobs/${params.id}`);
    return ok(jobs.retry(principal, params.id));
  });
}
