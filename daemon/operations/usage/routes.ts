import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/usage.ts';
import { ok } from '#shared/schema/common.ts';
import type { MonthUsageService } from './service.ts';

/** What apps, teams and nodes used. */
export function usageRoutes(app: FastifyInstance, { monthUsage: usage }: { monthUsage: MonthUsageService }): void {
  route(app, ops.getMonthUsage, async ({ query, principal }) => ok(await usage.month(query, principal)));
  route(app, ops.exportMonthUsage, async ({ query, principal, reply }) => {
    const { month, text } = await usage.csv(query, principal);
    return reply
      .type('text/csv; charset=utf-8')
      .header('content-disposition', `attachment; filename="usage-${month}.csv"`)
      .send(text);
  });
  route(app, ops.getNodeUsage, ({ query }) => ok(usage.nodes(query)));
  route(app, ops.getAppUsage, async ({ params, query }) => ok(await usage.app(params.app, query)));
}
