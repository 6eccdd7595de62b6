import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import { getGpu, refreshGpu } from '#shared/contract/system.ts';
import type { GpuService } from './service.ts';

/** `GET /system/gpu[?refresh]`, `POST /system/gpu/refresh`. */
export function gpuRoutes(app: FastifyInstance, { gpu }: { gpu: GpuService }): void {
  route(app, getGpu, ({ query }) => {
    const { refresh } = query;
    return refresh === '' || refresh === 'true' || refresh === '1' ? gpu.refresh() : gpu.status();
  });
  route(app, refreshGpu, () => gpu.refresh());
}
