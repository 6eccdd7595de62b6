import path from 'node:path';
import { objectKey, trimSlashes } from '#daemon/apps/storage/keys.ts';
import { isKeptLocally, placeOf, type RecordedPlace } from '#daemon/apps/storage/location.ts';
import type { RecordingCredentials } from '#daemon/apps/storage/role.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import type { RecordingRequest } from '../livekit/recording-request.ts';

/** Where a recording is stored: for its row and for the request to LiveKit. */
export interface RecordingPlan {
  name: string;
  file_key: string | null;
  /** Below the app's folder. */
  local_path: string | null;
  /** Below the app's folder when there is no bucket. */
  snapshot_prefix: string | null;
  place: RecordedPlace;
  request: RecordingRequest;
}

export interface PlanInput {
  config: AppConfig;
  credentials: RecordingCredentials;
  /** Absolute. */
  appDir: string;
  room: string;
  identity: string | null;
  /** Milliseconds since 1970. */
  at: number;
  /** Is a VOD of this name there already? */
  isTaken(name: string): boolean;
}

/** Decides the names: `<prefix>/<room>-<UTC time>.mp4` in the bucket, else below the app's `local_dir`. */
export function planRecording(input: PlanInput): RecordingPlan {
  const { config, credentials, room, identity } = input;
  const { s3, recording } = config;
  const base = freeName(input);
  const name = `${base}.mp4`;
  const isInBucket = !isKeptLocally(s3);
  const file_key = isInBucket ? objectKey(s3.prefix, name) : null;
  const local_path = isInBucket ? null : path.posix.join(recording.localDir, name);
  const withSnapshots = recording.snapshotSeconds > 0;
  const folder = isInBucket ? trimSlashes(s3.prefix) : '';
  const snapshot_prefix = withSnapshots ? path.posix.join(folder, 'snapshots', base) : null;
  const absolute = (key: string): string => (isInBucket ? key : path.join(input.appDir, key));
  return {
    name,
    file_key,
    local_path,
    snapshot_prefix,
    place: placeOf(s3),
    request: {
      room,
      identity,
      layout: recording.layout,
      filepath: absolute(file_key ?? (local_path as string)),
      s3: isInBucket
        ? {
            accessKey: credentials.key,
            secret: credentials.secret,
            sessionToken: credentials.sessionToken,
            bucket: s3.bucket,
            region: s3.region,
            endpoint: s3.endpoint,
            forcePathStyle: s3.forcePathStyle,
          }
        : null,
      images:
        snapshot_prefix === null ? null : { prefix: absolute(snapshot_prefix), seconds: recording.snapshotSeconds },
    },
  };
}

function freeName({ room, at, isTaken }: PlanInput): string {
  const safe = room.replace(/[^A-Za-z0-9._-]/g, '_');
  const time = new Date(at)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:]/g, '');
  const name = `${safe}-${time}`;
  for (let n = 2, free = name; ; n++, free = `${name}-${n - 1}`) if (!isTaken(`${free}.mp4`)) return free;
}
