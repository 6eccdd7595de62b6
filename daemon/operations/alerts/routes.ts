import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/alerts.ts';
import { ok } from '#shared/schema/common.ts';
import type { AlertService } from './service.ts';

export function alertRoutes(app: FastifyInstance, { alerts }: { alerts: AlertService }): void {
  route(app, ops.listAlertRules, () => ok([...alerts.listRules()]));
  route(app, ops.createAlertRule, ({ body, actor, audit }) => {
    const rule = alerts.createRule(body, actor);
    audit({ target: rule.id, after: rule });
    return ok(rule);
  });
  route(app, ops.updateAlertRule, ({ params, body, actor, audit }) => {
    const rule = alerts.updateRule(params.id, body, actor);
    audit({ target: rule.id, after: rule });
    return ok(rule);
  });
  route(app, ops.deleteAlertRule, ({ params, actor, audit }) => {
    const rule = alerts.removeRule(params.id, actor);
    audit({ target: rule.id, before: rule });
    return undefined;
  });
  route(app, ops.listAlertConditions, () => ok(alerts.conditions()));
  route(app, ops.listAlertChannels, () => ok(alerts.listChannels()));
  route(app, ops.createAlertChannel, async ({ body, actor, audit }) => {
    const channel = await alerts.createChannel(body, actor);
    audit({ target: channel.name, after: channel });
    return ok(channel);
  });
  route(app, ops.updateAlertChannel, async ({ params, body, actor, audit }) => {
    const channel = await alerts.updateChannel(params.id, body, actor);
    audit({ target: channel.name, after: channel });
    return ok(channel);
  });
  route(app, ops.deleteAlertChannel, async ({ params, actor, audit }) => {
    const channel = await alerts.removeChannel(params.id, actor);
    audit({ target: channel.name, before: channel });
    return undefined;
  });
  route(app, ops.testAlertChannel, async ({ params, actor }) => ok(await alerts.testChannel(params.id, actor)));
  route(app, ops.listIncidents, ({ principal, query }) => alerts.list(principal, query));
  route(app, ops.getIncident, ({ principal, params }) => ok(alerts.get(principal, params.id)));
  route(app, ops.acknowledgeIncident, ({ principal, params, actor }) =>
    ok(alerts.acknowledge(principal, params.id, actor)),
  );
  route(app, ops.silenceIncident, ({ principal, params, body, actor }) =>
    ok(alerts.silence(principal, params.id, body.seconds, actor)),
  );
  route(app, ops.unsilenceIncident, ({ principal, params, actor }) =>
    ok(alerts.silence(principal, params.id, undefined, actor)),
  );
}
