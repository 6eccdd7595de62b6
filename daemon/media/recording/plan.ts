import path from 'node:path';
import { objectKey, trimSlashes } from '#daemon/apps/storage/keys.ts';
import { LOCAL_PLACE, placeOf, type RecordedPlace } from '#daemon/apps/storage/location.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import type { RecordingPlan } from '#shared/delivery/plan.ts';
import type { EgressTarget } from '#shared/plugin-sdk/egress-target.ts';
import type { RecordingRequest } from '../livekit/recording-request.ts';

/** What one recording records. */
export interface RecordedSubject {
  room: string;
  /** Null = the whole room. */
  identity: string | null;
  /** Sound alone; null = with a picture. */
  audio: RecordingRequest['audio'];
}

/** One order to LiveKit: its names for the row, and the request. */
export interface RecordingOrder {
  name: string;
  format: 'mp4' | 'hls';
  /** Of the file, or of the playlist. */
  file_key: string | null;
  /** Below the app's folder. */
  local_path: string | null;
  /** Below the app's folder when there is no bucket. */
  snapshot_prefix: string | null;
  place: RecordedPlace;
  request: RecordingRequest;
}

export interface OrderInput {
  plan: RecordingPlan;
  s3: AppConfig['s3'];
  /** The storage that LiveKit writes to; null = the app's folder. */
  target: EgressTarget | null;
  /** Absolute. */
  appDir: string;
  subject: RecordedSubject;
  /** Milliseconds since 1970. */
  at: number;
  /** Does a VOD of this name exist already? */
  isTaken(name: string): boolean;
}

/**
 * Decides the names, and what to ask of LiveKit: `<prefix>/<room>-<UTC time>.mp4` in the bucket, else below the app's
 * `local_dir`. A recording in segments has a folder of that name.
 */
export function planRecording(input: OrderInput): RecordingOrder {
  const { plan, s3, target, subject } = input;
  const isHls = plan.format === 'segments';
  const extension = isHls ? '.m3u8' : '.mp4';
  const base = freeName(input, extension);
  const name = `${base}${extension}`;
  const file = isHls ? `${base}/${name}` : name;
  const isInBucket = target !== null;
  const file_key = isInBucket ? objectKey(s3.prefix, file) : null;
  const local_path = isInBucket ? null : path.posix.join(plan.localDir, file);
  const hasPictures = plan.snapshotSeconds > 0 && subject.audio === null;
  const folder = isInBucket ? trimSlashes(s3.prefix) : '';
  const snapshot_prefix = hasPictures ? path.posix.join(folder, 'snapshots', base) : null;
  const absolute = (key: string): string => (isInBucket ? key : path.join(input.appDir, key));
  return {
    name,
    format: isHls ? 'hls' : 'mp4',
    file_key,
    local_path,
    snapshot_prefix,
    place: isInBucket ? placeOf(s3) : LOCAL_PLACE,
    request: {
      ...subject,
      layout: plan.layout,
      video: plan.video,
      segments: isHls ? { seconds: plan.segmentSeconds } : null,
      filepath: absolute(file_key ?? (local_path as string)),
      target,
      images: snapshot_prefix === null ? null : { prefix: absolute(snapshot_prefix), seconds: plan.snapshotSeconds },
    },
  };
}

function freeName({ subject: { room }, at, isTaken }: OrderInput, extension: string): string {
  const safe = room.replace(/[^A-Za-z0-9._-]/g, '_');
  const time = new Date(at)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:]/g, '');
  const name = `${safe}-${time}`;
  for (let n = 2, free = name; ; n++, free = `${name}-${n - 1}`) if (!isTaken(`${free}${extension}`)) return free;
}
