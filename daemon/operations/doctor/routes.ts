import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import { answerProbe, checkInstallation } from '#shared/contract/system.ts';
import { ApiError } from '#shared/errors.ts';
import { ok } from '#shared/schema/common.ts';
import type { Probes } from './probes.ts';
import type { Doctor } from './service.ts';

export function doctorRoutes(app: FastifyInstance, { doctor, probes }: { doctor: Doctor; probes: Probes }): void {
  route(app, checkInstallation, async ({ principal }) => ok(await doctor.check(principal)));
  route(app, answerProbe, ({ params: { nonce }, request }) => {
    if (!probes.isOpen(nonce)) throw new ApiError('PROBE_UNKNOWN');
    const { headers, raw } = request;
    const sender = raw.socket.remoteAddress ?? '';
    return {
      protocol: request.protocol,
      address: sender.replace(/^::ffff:/, ''),
      isForwarded: headers['x-forwarded-for'] !== undefined || headers['forwarded'] !== undefined,
      isTrusted: request.ips !== undefined && request.ips.length > 1,
    };
  });
}
