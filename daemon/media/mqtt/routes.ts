import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/mqtt.ts';
import { ok } from '#shared/schema/common.ts';
import type { CallbackService } from '../callbacks/service.ts';
import type { MqttService } from './service.ts';

export function mqttRoutes(
  app: FastifyInstance,
  { mqtt, callbacks }: { mqtt: MqttService; callbacks: CallbackService },
): void {
  route(app, ops.getMqtt, async ({ params }) => ok(await mqtt.state(params.app, callbacks)));
  route(app, ops.testMqtt, async ({ params }) => ok(await mqtt.test(params.app)));
}
