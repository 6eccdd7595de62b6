import type { IngressInfo } from 'livekit-server-sdk';
import { INGRESS_STATUSES, type IngressAudio, type IngressStatus, type IngressVideo } from '#shared/schema/ingress.ts';
import { bounded, milliseconds } from './facts.ts';
import { ingressError } from './ingress-errors.ts';

export interface Ingress {
  id: string;
  /** `RTMP_INPUT`, `WHIP_INPUT` or `URL_INPUT` as `rtmp`, `whip`, `rtsp`. */
  type: 'rtmp' | 'whip' | 'rtsp';
  room: string;
  participant: string;
  status: IngressStatus;
  isPublishing: boolean;
  /** It is encoded again on its way in. */
  isTranscoding: boolean;
  /** False while it is paused: encoders are refused, and it keeps its key. */
  isEnabled: boolean;
  /** What went wrong, in words; empty = nothing. */
  error: string;
  /** Of the current or last session; LiveKit makes another one for each. Empty = there was none. */
  resourceId: string;
  /** Milliseconds since 1970, of the current or last session; null = there was none. */
  startedAt: number | null;
  /** Null while it lasts. */
  endedAt: number | null;
}

/** An ingest with what an encoder needs; never part of an event. */
export interface IngressDetails extends Ingress {
  name: string;
  /** Where to send to, from LiveKit's own configuration; empty = not configured. For a source: its address. */
  url: string;
  streamKey: string;
  /** What comes in. */
  video: IngressVideo | null;
  audio: IngressAudio | null;
}

const INPUTS = ['rtmp', 'whip', 'rtsp'] as const;

/** Reads an event or a list entry, without the stream key and the source's address. */
export function readIngress(info: IngressInfo): Ingress {
  const { state } = info;
  const status = INGRESS_STATUSES[state?.status ?? 0] ?? 'inactive';
  // the ingress service writes nanoseconds
  const startedAt = milliseconds(state?.startedAt);
  const endedAt = milliseconds(state?.endedAt);
  return {
    id: info.ingressId,
    type: INPUTS[info.inputType] ?? 'rtmp',
    room: info.roomName,
    participant: info.participantIdentity,
    status,
    isPublishing: status === 'publishing',
    isTranscoding: info.enableTranscoding ?? !info.bypassTranscoding,
    isEnabled: info.enabled ?? true,
    error: ingressError(info),
    resourceId: state?.resourceId ?? '',
    startedAt,
    endedAt: isLive(status) || endedAt === null || endedAt < (startedAt ?? 0) ? null : endedAt,
  };
}

/** An encoder sends to it. */
export const isLive = (status: IngressStatus): boolean => status === 'publishing' || status === 'buffering';

export function readIngressDetails(info: IngressInfo): IngressDetails {
  const { name, url, streamKey, state } = info;
  return { ...readIngress(info), name, url, streamKey, video: readVideo(state?.video), audio: readAudio(state?.audio) };
}

type State = NonNullable<IngressInfo['state']>;
const LARGEST_PX = 16_384;

function readVideo(video: State['video']): IngressVideo | null {
  const codec = codecOf(video?.mimeType);
  if (video === undefined || codec === null) return null;
  const framerate = bounded(video.framerate, Number.MIN_VALUE, 1000);
  return {
    codec,
    width: bounded(video.width, 1, LARGEST_PX),
    height: bounded(video.height, 1, LARGEST_PX),
    framerate: framerate === null ? null : Math.round(framerate * 100) / 100,
  };
}

function readAudio(audio: State['audio']): IngressAudio | null {
  const codec = codecOf(audio?.mimeType);
  if (audio === undefined || codec === null) return null;
  return { codec, channels: bounded(audio.channels, 1, 64), sampleRate: bounded(audio.sampleRate, 1000, 768_000) };
}

/** `video/H264` as `H264`. */
const codecOf = (mimeType: string | undefined): string | null =>
  /^(?:video|audio)\/([\w.+-]{1,32})$/.exec(mimeType ?? '')?.[1] ?? null;
