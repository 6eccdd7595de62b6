import type { FastifyInstance } from 'fastify';
import * as ops from '#shared/contract/jobs.ts';
import { ok } from '#shared/schema/common.ts';
import { route } from '../http/route.ts';
import type { JobService } from './service.ts';

export function jobRoutes(app: FastifyInstance, { jobs }: { jobs: JobService }): void {
  // a request that waits for a job must not hold up the shutdown; the job itself continues with the next start
  app.addHook('preClose', async () => jobs.releaseWaiters());
  route(app, ops.listJobs, ({ principal, query }) => jobs.list(principal, query));
  route(app, ops.getJob, ({ principal, params }) => ok(jobs.get(principal, params.id)));
  route(app, ops.cancelJob, async ({ principal, params, audit }) => {
    const job = await jobs.cancel(principal, params.id);
    audit(jobs.ownerOf(job.id));
    return ok(job);
  });
  route(app, ops.retryJob, ({ principal, params, audit }) => {
    const job = jobs.retry(principal, params.id);
    audit(jobs.ownerOf(job.id));
    return ok(job);
  });
}
