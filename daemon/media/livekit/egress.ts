import type { EgressInfo } from 'livekit-server-sdk';
import { milliseconds } from './numbers.ts';

type EgressState = 'recording' | 'ending' | 'complete' | 'failed';

/** A bucket that an egress writes to. */
interface EgressBucket {
  bucket: string;
  region: string;
  endpoint: string;
  forcePathStyle: boolean;
}

export interface EgressFile {
  /** Name in the bucket, or path on the machine of the egress service. */
  name: string;
  bytes: number;
  seconds: number;
}

interface EgressSegments {
  playlist: string;
  livePlaylist: string | null;
  bytes: number;
  seconds: number;
  /** Names of the segments; empty when they cannot be told from what LiveKit says. */
  keys: string[];
}

interface EgressImages {
  prefix: string;
  count: number;
}

/** What LiveKit says of one recording, as plain data. */
export interface Egress {
  id: string;
  room: string;
  /** LiveKit's own word, e.g. `EGRESS_ACTIVE`. */
  status: string;
  state: EgressState;
  error: string | null;
  /** Milliseconds since 1970. */
  startedAt: number | null;
  endedAt: number | null;
  /** Asked for: names of files; what is recorded; where to. */
  askedFiles: string[];
  isAskedForSegments: boolean;
  participant: string | null;
  /** Null = no bucket of S3's kind. */
  bucket: EgressBucket | null;
  files: EgressFile[];
  segments: EgressSegments[];
  images: EgressImages[];
}

/** EgressStatus of LiveKit by number. */
const STATES: readonly EgressState[] = ['recording', 'recording', 'ending', 'complete', 'failed', 'failed', 'complete'];
const STATUSES = ['STARTING', 'ACTIVE', 'ENDING', 'COMPLETE', 'FAILED', 'ABORTED', 'LIMIT_REACHED'].map(
  (word) => `EGRESS_${word}`,
);
const ABORTED = 5;

interface S3Like {
  bucket: string;
  region: string;
  endpoint: string;
  forcePathStyle: boolean;
}
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
  const s3 = asked.storages.find((storage) => storage?.case === 's3')?.value as S3Like | undefined;
  const state = STATES[info.status] ?? 'recording';
  const single = info.result;
  const files = info.fileResults.length > 0 ? info.fileResults : single.case === 'file' ? [single.value] : [];
  const segments =
    info.segmentResults.length > 0 ? info.segmentResults : single.case === 'segments' ? [single.value] : [];
  return {
    id: info.egressId,
    room: info.roomName,
    status: STATUSES[info.status] ?? `EGRESS_${info.status}`,
    state,
    error: state === 'failed' ? info.error || (info.status === ABORTED ? 'it was aborted' : 'it failed') : null,
    startedAt: milliseconds(info.startedAt),
    endedAt: milliseconds(info.endedAt),
    askedFiles: asked.files.map((file) => file.filepath),
    isAskedForSegments: asked.segments.length > 0,
    participant: asked.participant,
    bucket:
      s3 === undefined || s3.bucket === ''
        ? null
        : { bucket: s3.bucket, region: s3.region, endpoint: s3.endpoint, forcePathStyle: s3.forcePathStyle },
    files: files
      .filter((file) => file.filename !== '')
      .map((file) => ({ name: file.filename, bytes: Number(file.size), seconds: Number(file.duration) / 1e9 })),
    segments: segments
      .filter((list) => list.playlistName !== '')
      .map((list, index) => ({
        playlist: list.playlistName,
        livePlaylist: list.livePlaylistName || null,
        bytes: Number(list.size),
        seconds: Number(list.duration) / 1e9,
        keys: segmentKeys(list.playlistName, Number(list.segmentCount), asked.segments[index]),
      })),
    images: info.imageResults
      .filter((images) => images.filenamePrefix !== '')
      .map((images) => ({ prefix: images.filenamePrefix, count: Number(images.imageCount) })),
  };
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
