import type { listIngress } from '#shared/contract/ingress.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import type { IngressStatus, IngressType } from '#shared/schema/ingress.ts';
import type { Tone } from '../../ui/feedback/state.tsx';

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
  inactive: 'waits',
  buffering: 'starting',
  publishing: 'live',
  error: 'failed',
  complete: 'ended',
};

/** The state in a word; a source is fetched, an encoder is waited for. */
export const ingestState = ({ status, type }: Pick<Ingest, 'status' | 'type'>): string =>
  status === 'inactive' && type === 'url' ? 'not fetched' : WORDS[status];

/** What it is called: by people, else by its identity in the room. */
export const ingestName = ({ name, participant }: Pick<Ingest, 'name' | 'participant'>): string => name || participant;

/** Sends now, so that a viewer would miss it. */
export const isSending = ({ status }: Pick<Ingest, 'status'>): boolean =>
  status === 'publishing' || status === 'buffering';
