import assert from 'node:assert/strict';
import path from 'node:path';
import { rungOf } from '#shared/delivery/ladder.ts';
import type { Client } from './daemon.ts';
import { event, sendWebhook } from './livekit-webhook.ts';
import type { S3Server } from './s3-server.ts';
import { until } from './until.ts';

/** Makes an app's config ask for a ladder of these heights, in segments of 2 s. */
export async function wantLadder(
  api: Client,
  app: string,
  { vodRenditions, encoding = 'h264' }: { vodRenditions: number[]; encoding?: string },
): Promise<void> {
  const raw = (await api.get(`/apps/${app}/config/raw`)).body.data.yaml as string;
  if (!/^hls:/m.test(raw)) {
    const put = await api.put(`/apps/${app}/config/raw`, { yaml: `${raw}\nhls:\n  segment_seconds: 2\n` });
    assert.equal(put.status, 200, put.text);
  }
  const patch = await api.patch(`/apps/${app}/config`, {
    transcodingEnabled: true,
    vodAdaptive: true,
    encoding,
    vodRenditions: vodRenditions.map((height) => ({ height, bitrateKbps: rungOf(height).bitrateKbps })),
  });
  assert.equal(patch.status, 200, patch.text);
}

interface Recorded {
  /** In the app's folder, absolute. */
  file?: string;
  /** In a bucket. */
  key?: string;
  s3?: S3Server;
  bucket?: string;
  segments?: { playlist: string; count: number };
}

/** Tells the daemon as LiveKit does that a recording is finished. @returns its row */
export async function recordFilm(
  daemon: { url: string; api: Client },
  app: string,
  { file, key, s3, bucket, segments }: Recorded,
): Promise<any> {
  const name = (file ?? key) as string;
  const s3Output = s3 && { endpoint: s3.endpoint, region: s3.region, bucket, forcePathStyle: true };
  const at = String(Date.now() * 1_000_000);
  const output = segments
    ? { segmentOutputs: [{ filenamePrefix: name.replace('.m3u8', ''), playlistName: name, s3: s3Output }] }
    : { fileOutputs: [{ filepath: name, ...(s3Output ? { s3: s3Output } : {}) }] };
  const result = segments
    ? {
        segmentResults: [
          { playlistName: name, segmentCount: String(segments.count), size: '1000', duration: '3000000000' },
        ],
      }
    : { fileResults: [{ filename: name, size: '1000', duration: '3000000000' }] };
  const egressInfo = {
    egressId: `EG_${app}_${path.basename(name)}`,
    roomId: 'RM_1',
    roomName: `${app}-stage`,
    status: 'EGRESS_COMPLETE',
    startedAt: at,
    endedAt: at,
    roomComposite: { roomName: `${app}-stage`, ...output },
    ...result,
  };
  const answer = await sendWebhook(daemon.url, event('egress_ended', { egressInfo }));
  assert.equal(answer.status, 200, answer.text);
  const { data } = (await daemon.api.get(`/apps/${app}/vods?q=${encodeURIComponent(path.basename(name))}`)).body;
  return data[0];
}

/** The VOD once its ladder is made, and the job has its result; or once it has failed or is cancelled. */
export function untilTranscoded(api: Client, app: string, id: number): Promise<any> {
  return until(
    'it is transcoded',
    async () => {
      const { body } = await api.get(`/apps/${app}/vods/${id}`);
      const { state, jobId } = body.transcoding ?? {};
      if (state === 'ready') return (await api.get(`/jobs/${jobId}`)).body.data.state === 'succeeded' && body;
      return ['failed', 'cancelled'].includes(state) && body;
    },
    { every: 100, seconds: 180 },
  );
}

/** A playlist as players read it. */
export async function playlistOf(url: string): Promise<{ lines: string[]; links: string[] }> {
  const answer = await fetch(url);
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  assert.equal(answer.headers.get('content-type'), 'application/vnd.apple.mpegurl');
  const lines = text.split('\n').filter((line) => line !== '');
  return { lines, links: lines.filter((line) => !line.startsWith('#')).map((line) => new URL(line, url).href) };
}

export function bandwidthsOf(line: string): { peak: number; average: number } {
  const [, peak, average] = /[:,]BANDWIDTH=(\d+),AVERAGE-BANDWIDTH=(\d+)/.exec(line) ?? [];
  return { peak: Number(peak), average: Number(average) };
}
