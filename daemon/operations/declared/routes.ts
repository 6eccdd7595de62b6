import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/declared.ts';
import { ok } from '#shared/schema/common.ts';
import type { DeclaredService } from './service.ts';

/** Configuration as code. */
export function declaredRoutes(app: FastifyInstance, { declared }: { declared: DeclaredService }): void {
  route(app, ops.exportConfiguration, async () => ok(await declared.export()));
  route(app, ops.planConfiguration, async ({ body, principal, actor }) =>
    ok(await declared.plan(body, principal, actor)),
  );
  route(app, ops.applyConfiguration, async ({ body, principal, actor, audit }) =>
    ok(
      await declared.apply(body, principal, actor, (rollbackPoint, changes) =>
        audit({ target: `roll-back point ${rollbackPoint}`, before: null, after: { changes }, isPartial: true }),
      ),
    ),
  );
  route(app, ops.listRollbackPoints, async () => ok(await declared.rollbackPoints()));
}
