import type { EgressInfo } from 'livekit-server-sdk';
import { byteCount, fileCount, lengthSeconds, milliseconds, type Span } from './facts.ts';
import type { Bucket } from './object-address.ts';

/** `starting`: the order was taken, nothing is recorded yet. */
type EgressState = 'starting' | 'recording' | 'ending' | 'complete' | 'failed';

export interface EgressFile {
  /** Name in the bucket, or path on the machine of the egress service. */
  name: string;
  /** Address of the object, or path of the file, once it is written. */
  location: string | null;
  bytes: number | null;
  seconds: number | null;
}

interface EgressSegments {
  playlist: string;
  livePlaylist: string | null;
  /** Address of the playlist, or its path, once it is written. */
  location: string | null;
  bytes: number | null;
  seconds: number | null;
  /** Names of the segments; empty if LiveKit's report doesn't show them. */
  keys: string[];
}

interface EgressImages {
  prefix: string;
  count: number;
}

/** LiveKit's report of one recording, as plain data. */
export interface Egress {
  id: string;
  room: string;
  /** LiveKit's own word, e.g. `EGRESS_ACTIVE`. */
  status: string;
  state: EgressState;
  error: string | null;
  /** Milliseconds since 1970: when the order was taken. */
  startedAt: number | null;
  endedAt: number | null;
  /** When the media begins; null = nothing is recorded yet. */
  mediaStartedAt: number | null;
  /** It was ended before it recorded anything, e.g. by a stop. */
  isAborted: boolean;
  /** Asked for: names of files; what is recorded; where to. */
  askedFiles: string[];
  askedPlaylists: string[];
  participant: string | null;
  /** LiveKit ended it at its own limit (`session_limits`): there is a file, which may be shorter than requested. */
  isLimited: boolean;
  /** The storage that was asked for refused, and the egress service used its backup storage. */
  isInBackup: boolean;
  /** Null = the request has no S3 bucket. */
  bucket: Bucket | null;
  files: EgressFile[];
  segments: EgressSegments[];
  images: EgressImages[];
}

/** EgressStatus of LiveKit by number. */
const STATES: readonly EgressState[] = ['starting', 'recording', 'ending', 'complete', 'failed', 'failed', 'complete'];
const STATUSES = ['STARTING', 'ACTIVE', 'ENDING', 'COMPLETE', 'FAILED', 'ABORTED', 'LIMIT_REACHED'].map(
  (word) => `EGRESS_${word}`,
);
const ABORTED = 5;
const LIMIT_REACHED = 6;

interface FileLike {
  filepath: string;
  output?: { case?: string | undefined; value?: unknown };
}
interface SegmentsLike {
  filenamePrefix: string;
  playlistName: string;
  filenameSuffix: number;
  output?: { case?: string | undefined; value?: unknown };
}
interface Asked {
  files: FileLike[];
  segments: SegmentsLike[];
  /** Every place where a storage can be named, most specific first. */
  storages: ({ case?: string | undefined; value?: unknown } | undefined)[];
  participant: string | null;
}

export function readEgress(info: EgressInfo): Egress {
  const asked = readRequest(info);
  const s3 = asked.storages.find((storage) => storage?.case === 's3')?.value as Bucket | undefined;
  const state = STATES[info.status] ?? 'recording';
  const single = info.result;
  const files = info.fileResults.length > 0 ? info.fileResults : single.case === 'file' ? [single.value] : [];
  const segments =
    info.segmentResults.length > 0 ? info.segmentResults : single.case === 'segments' ? [single.value] : [];
  const whole = { startedAt: milliseconds(info.startedAt), endedAt: milliseconds(info.endedAt) };
  return {
    id: info.egressId,
    room: info.roomName,
    status: STATUSES[info.status] ?? `EGRESS_${info.status}`,
    state,
    error: state === 'failed' ? info.error || reasonOf(info) : null,
    ...whole,
    mediaStartedAt: earliest([...files, ...segments].map((result) => milliseconds(result.startedAt))),
    isAborted: info.status === ABORTED,
    isLimited: info.status === LIMIT_REACHED,
    isInBackup: info.backupStorageUsed,
    askedFiles: asked.files.map((file) => file.filepath),
    askedPlaylists: asked.segments.map((list) => list.playlistName || list.filenamePrefix),
    participant: asked.participant,
    bucket:
      s3 === undefined || s3.bucket === ''
        ? null
        : { bucket: s3.bucket, region: s3.region, endpoint: s3.endpoint, forcePathStyle: s3.forcePathStyle },
    files: files
      .filter((file) => file.filename !== '')
      .map((file) => ({ name: file.filename, location: file.location || null, ...measure(file, whole) })),
    segments: segments
      .filter((list) => list.playlistName !== '')
      .map((list, index) => ({
        playlist: list.playlistName,
        livePlaylist: list.livePlaylistName || null,
        location: list.playlistLocation || null,
        ...measure(list, whole),
        keys: segmentKeys(list.playlistName, fileCount(list.segmentCount), asked.segments[index]),
      })),
    images: info.imageResults
      .filter((images) => images.filenamePrefix !== '')
      .map((images) => ({ prefix: images.filenamePrefix, count: fileCount(images.imageCount) })),
  };
}

/** Of a failure without an error; `details` says e.g. `End reason: Source closed`. */
function reasonOf({ status, details }: EgressInfo): string {
  const words = status === ABORTED ? 'it was aborted' : 'it failed';
  const reason = /^End reason: (.{1,200})$/.exec(details)?.[1];
  return reason === undefined ? words : `${words} (${reason})`;
}

function earliest(times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.min(...known);
}

/** Length and size of a result, within limits. */
function measure(
  result: { startedAt: bigint; endedAt: bigint; duration: bigint; size: bigint },
  whole: Span,
): { bytes: number | null; seconds: number | null } {
  const own = { startedAt: milliseconds(result.startedAt), endedAt: milliseconds(result.endedAt) };
  const seconds = lengthSeconds(result.duration, own, whole);
  return { seconds, bytes: byteCount(result.size, seconds) };
}

function readRequest(info: EgressInfo): Asked {
  const { request } = info;
  const asked: Asked = { files: [], segments: [], storages: [], participant: null };
  switch (request.case) {
    case 'egress':
      asked.storages.push(request.value.storage?.provider);
      for (const output of request.value.outputs) {
        asked.storages.unshift(output.storage?.provider);
        if (output.config.case === 'file') asked.files.push(output.config.value);
        if (output.config.case === 'segments') asked.segments.push(output.config.value);
      }
      if (request.value.source.case === 'media') {
        const { video } = request.value.source.value;
        if (video.case === 'participantVideo') asked.participant = video.value.identity;
      }
      break;
    case 'roomComposite':
    case 'web':
    case 'participant':
    case 'trackComposite': {
      const { value } = request;
      asked.files.push(...value.fileOutputs);
      asked.segments.push(...value.segmentOutputs);
      if ('output' in value && value.output.case === 'file') asked.files.push(value.output.value);
      if ('output' in value && value.output.case === 'segments') asked.segments.push(value.output.value);
      if (request.case === 'participant') asked.participant = request.value.identity;
      break;
    }
    case 'track':
      if (request.value.output.case === 'file') asked.files.push(request.value.output.value);
      break;
  }
  for (const output of [...asked.files, ...asked.segments]) asked.storages.push(output.output);
  return asked;
}

/** Segments are numbered from 0 with five digits, unless they are named by their time: then they cannot be told. */
function segmentKeys(playlist: string, count: number, asked: SegmentsLike | undefined): string[] {
  if (asked !== undefined && asked.filenameSuffix !== 0) return [];
  const folder = playlist.slice(0, playlist.lastIndexOf('/') + 1);
  const wish = asked?.filenamePrefix || playlist.replace(/\.m3u8$/i, '');
  const prefix = wish.includes('/') || folder === '' ? wish : folder + wish;
  return Array.from({ length: Math.min(count, 100_000) }, (_, n) => `${prefix}_${String(n).padStart(5, '0')}.ts`);
}
