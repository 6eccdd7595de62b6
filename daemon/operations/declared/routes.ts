import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Background } from '#daemon/platform/background.ts';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/declared.ts';
import { ok } from '#shared/schema/common.ts';
import { type Applies, pointName, type Readable } from './applies.ts';
import type { DeclaredService } from './service.ts';

/** Configuration as code. */
export function declaredRoutes(
  app: FastifyInstance,
  { declared, applies, background }: { declared: DeclaredService; applies: Applies; background: Background },
): void {
  /** Sends what can be read once. It is gone only if the whole answer has left. */
  const once = ({ applied, failure, sent }: Readable, { raw }: FastifyReply) => {
    raw.once('close', () => background.soon('answers of applies', () => sent(raw.writableFinished)));
    if (failure !== undefined) throw failure;
    return ok(applied);
  };
  route(app, ops.exportConfiguration, async () => ok(await declared.export()));
  route(app, ops.planConfiguration, async ({ body, principal, actor }) =>
    ok(await declared.plan(body, principal, actor)),
  );
  route(app, ops.applyConfiguration, async ({ body, principal, actor, audit, isAsync, reply }) => {
    const job = await declared.apply(body, principal, actor, !isAsync);
    if (job === undefined) return ok({ changes: [], rollbackPoint: null, tokens: [], invites: [], warnings: [] });
    if (isAsync) {
      audit({ target: job.title, before: null, after: { job: job.id } });
      reply.code(202);
      return ok(job);
    }
    const result = await applies.result(job, actor, (rollbackPoint, changes) =>
      audit({ target: pointName(rollbackPoint), before: null, after: { changes }, isPartial: true }),
    );
    return once(result, reply);
  });
  route(app, ops.readApplied, async ({ params, actor, audit, reply }) => {
    audit({ target: pointName(params.id) });
    return once(await applies.take(params.id, actor), reply);
  });
  route(app, ops.listRollbackPoints, async () => ok(await applies.list()));
}
