import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import { getGpu, refreshGpu } from '#shared/contract/system.ts';
import type { GpuStatus } from '#shared/schema/gpu.ts';
import type { GpuService } from './service.ts';

/** `GET /system/gpu[?refresh]`, `POST /system/gpu/refresh`. */
export function gpuRoutes(app: FastifyInstance, { gpu }: { gpu: GpuService }): void {
  const told = async (principal: Principal, isNew: boolean): Promise<GpuStatus> => {
    if (principal.scope !== 'app') return isNew ? gpu.refresh() : gpu.status();
    // what the app's own config shows anyway: whether transcoding has a GPU
    const { available, type, canEncode, checkedAt } = await gpu.status();
    return {
      available,
      type,
      devices: [],
      ...(canEncode === undefined ? {} : { canEncode }),
      checkedAt,
      detail: 'An app token can’t see the devices of the machine.',
    };
  };
  route(app, getGpu, ({ query, principal }) => told(principal, query.refresh === true));
  route(app, refreshGpu, ({ principal }) => told(principal, true));
}
