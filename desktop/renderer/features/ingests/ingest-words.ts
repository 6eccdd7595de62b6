import type { listIngress } from '#shared/contract/ingress.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import type { IngressStatus, IngressType } from '#shared/schema/ingress.ts';
import type { Tone } from '../../ui/feedback/state.tsx';
import { plural } from '../../ui/words/format.ts';

export type Ingest = ResultOf<typeof listIngress>['data'][number];

export const INGEST_TYPES: Record<IngressType, string> = { rtmp: 'RTMP', whip: 'WHIP', url: 'URL' };

export const INGEST_TONES: Record<IngressStatus, Tone> = {
  inactive: 'muted',
  buffering: 'busy',
  publishing: 'ok',
  error: 'danger',
  complete: 'muted',
};

const WORDS: Record<IngressStatus, string> = {
  inactive: 'waiting for encoder',
  buffering: 'starting',
  publishing: 'live',
  error: 'failed',
  complete: 'ended',
};

/** The state in a word; a source is fetched, an encoder is waited for. */
export function ingestState({ status, type, enabled }: Pick<Ingest, 'status' | 'type' | 'enabled'>): string {
  if (!enabled && status !== 'publishing') return 'paused';
  return status === 'inactive' && type === 'url' ? 'not fetched' : WORDS[status];
}

/** What comes in, e.g. `1280 × 720, 30 frames/s, H264`; null = not known. */
export function pictureWords({ video }: Pick<Ingest, 'video'>): string | null {
  if (video === null) return null;
  const { width, height, framerate, codec } = video;
  const size = width === null || height === null ? [] : [`${width} × ${height}`];
  return [...size, ...(framerate === null ? [] : [`${framerate} frames/s`]), codec].join(', ');
}

/** E.g. `aac, 2 channels, 48 kHz`; null = not known. */
export function soundWords({ audio }: Pick<Ingest, 'audio'>): string | null {
  if (audio === null) return null;
  const { channels, sampleRate, codec } = audio;
  return [
    codec,
    ...(channels === null ? [] : [plural(channels, 'channel')]),
    ...(sampleRate === null ? [] : [`${sampleRate / 1000} kHz`]),
  ].join(', ');
}

/** Its name, else its identity in the room. */
export const ingestName = ({ name, participant }: Pick<Ingest, 'name' | 'participant'>): string => name || participant;

/** Sends now, so that a viewer would miss it. */
export const isSending = ({ status }: Pick<Ingest, 'status'>): boolean =>
  status === 'publishing' || status === 'buffering';
