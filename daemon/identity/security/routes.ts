import type { FastifyInstance } from 'fastify';
import { clientAddress } from '#daemon/platform/http/client-address.ts';
import { route } from '#daemon/platform/http/route.ts';
import type { Settings } from '#daemon/platform/settings.ts';
import * as ops from '#shared/contract/security.ts';
import { ok } from '#shared/schema/common.ts';
import type { AddressGuard } from './service.ts';

export function securityRoutes(
  app: FastifyInstance,
  { guard, settings }: { guard: AddressGuard; settings: Settings },
): void {
  route(app, ops.getSecurity, ({ request }) => {
    const { mode, allowlistOnly, autoban } = guard.options;
    return ok({
      ipAccess: { mode, allowlistOnly, rules: guard.listRules().length },
      autoban: { ...autoban, counts404: settings.autoban404, activeBans: guard.activeBans },
      signIn: { maxAttempts: settings.authRateLimitMax, windowMs: settings.authRateLimitWindowMs },
      trustedProxies: [...settings.trustedProxies],
      yourAddress: clientAddress(request),
      authzEnforce: settings.authzEnforce,
    });
  });
  route(app, ops.checkAddress, ({ query }) => ok(guard.verdict(query.ip)));
  route(app, ops.listIpRules, () => ok(guard.listRules()));
  route(app, ops.createIpRule, ({ body, actor, audit }) => {
    const rule = guard.createRule(body, actor);
    audit({ target: rule.cidr });
    return ok(rule);
  });
  route(app, ops.deleteIpRule, ({ params, actor, audit }) => {
    const rule = guard.deleteRule(params.id, actor);
    audit({ target: rule.cidr, before: rule });
    return undefined;
  });
  route(app, ops.listIpBans, () => ok(guard.listBans()));
  route(app, ops.createIpBan, ({ body, actor, audit }) => {
    const ban = guard.createBan(body, actor);
    audit({ target: ban.ip, after: ban });
    return ok(ban);
  });
  route(app, ops.deleteIpBan, ({ params, actor, audit }) => {
    const ban = guard.deleteBan(params.id, actor);
    audit({ target: ban.ip, before: ban });
    return undefined;
  });
}
