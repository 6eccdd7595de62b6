import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import { search } from '#shared/contract/search.ts';
import { ok } from '#shared/schema/common.ts';
import type { SearchService } from './service.ts';

/** Finds apps, rooms and people. */
export function searchRoutes(app: FastifyInstance, { finder }: { finder: SearchService }): void {
  route(app, search, async ({ query, principal }) => ok(await finder.find(query, principal)));
}
