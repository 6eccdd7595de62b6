import type { TestContext } from 'node:test';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { type MediaPlaylist, readMediaPlaylist } from '#daemon/media/live-hls/playlists.ts';
import { type Client, type TestDaemon, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { type LivekitServer, startLivekit } from '#test/helpers/livekit.ts';
import { type MediaWorker, type MediaWorkerOptions, startMediaWorker } from '#test/helpers/media-worker.ts';
import { join, type Participant } from '#test/helpers/participant.ts';
import { type S3Server, startS3Server } from '#test/helpers/s3-server.ts';
import { bucketSettings } from './bucket.ts';

/** A daemon with a real LiveKit, its egress service and a bucket, for live HLS. */
export interface LiveHlsWorld {
  s3: S3Server;
  livekit: LivekitServer;
  worker: MediaWorker;
  daemon: TestDaemon;
  bucket: string;
  /** Starts the egress service, after it was lost. */
  startWorker(options?: MediaWorkerOptions): Promise<MediaWorker>;
  /** The daemon ends, and starts again with the same data. */
  restart(): Promise<TestDaemon>;
  /** Somebody publishes a picture of 320x240. */
  publisher(room: string, identity: string): Promise<Participant>;
  text(key: string): Promise<string | undefined>;
  cacheControl(key: string): Promise<string | undefined>;
  playlist(key: string): Promise<MediaPlaylist | undefined>;
}

/** Two small qualities, so that several encoders fit on a busy machine. */
export const configOf = (hls: Record<string, unknown>, more = ''): string => `name: live
room_prefix: live
transcoding:
  enabled: true
  vod_renditions:
    - height: 240
      bitrate_kbps: 400
    - height: 144
      bitrate_kbps: 200
distribution:
  mode: cdn
hls: ${JSON.stringify(hls)}
${more}`;

export async function setConfig(api: Client, yaml: string): Promise<void> {
  const { body } = await api.get('/apps/live/config/raw');
  const s3 = /^s3:\n(?: .*\n)+/m.exec(body.data.yaml)?.[0] ?? '';
  const answer = await api.put('/apps/live/config/raw', { yaml: yaml + s3 });
  if (answer.status !== 200) throw new Error(answer.text);
}

/** @returns or why one of the servers can't be had here */
export async function liveHlsWorld(t: TestContext): Promise<LiveHlsWorld | string> {
  const [s3, livekit] = [startS3Server(), startLivekit(t, { tellsDaemon: true })];
  if (typeof s3 !== 'string') t.after(s3.stop);
  if (typeof s3 === 'string') return s3;
  if (typeof livekit === 'string') return livekit;
  const first = await startMediaWorker(t, livekit);
  if (typeof first === 'string') return first;
  const dataDir = await temporaryDir(t);
  const start = () => testDaemon(t, livekit.env, { dataDir });
  const bucket = await s3.bucket();
  const get = async (key: string) => {
    try {
      const object = await s3.client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return await object.Body?.transformToString();
    } catch {
      return undefined;
    }
  };
  const world: LiveHlsWorld = {
    s3,
    livekit,
    worker: first,
    daemon: await start(),
    bucket,
    async startWorker(options) {
      const worker = await startMediaWorker(t, livekit, options);
      if (typeof worker === 'string') throw new Error(worker);
      world.worker = worker;
      return worker;
    },
    async restart() {
      await world.daemon.stop();
      world.daemon = await start();
      return world.daemon;
    },
    async publisher(room, identity) {
      const someone = await join(t, livekit.url, await livekit.token(room, identity));
      await someone.publish();
      return someone;
    },
    text: get,
    async cacheControl(key) {
      return (await s3.client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))).CacheControl;
    },
    playlist: async (key) => readMediaPlaylist((await get(key)) ?? null),
  };
  const put = await world.daemon.api.put('/apps/live/s3', { ...bucketSettings(s3, bucket), prefix: 'a/live' });
  if (put.status !== 200) throw new Error(put.text);
  return world;
}
