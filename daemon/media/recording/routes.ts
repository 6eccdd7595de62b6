import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/recording.ts';
import type { VodService } from '../vods/service.ts';
import type { RecordingService } from './service.ts';

export function recordingRoutes(
  app: FastifyInstance,
  { recording, vods }: { recording: RecordingService; vods: VodService },
): void {
  route(app, ops.startRecording, async ({ params, body, principal }) =>
    vods.row(await recording.start(params.app, body, principal)),
  );
  route(app, ops.stopRecording, async ({ params }) =>
    vods.row(await recording.end(params.app, vods.find(params.app, params.id))),
  );
  route(app, ops.startStreamRecording, async ({ params, principal }) =>
    vods.row(await recording.startStream(params.app, params.id, principal)),
  );
  route(app, ops.stopStreamRecording, async ({ params }) => vods.row(await recording.endStream(params.app, params.id)));
}
