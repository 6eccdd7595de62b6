import type { Egress } from './egress.ts';

/** One order to LiveKit's egress service, for one quality of live HLS or of a ladder. */
export interface EncoderState {
  egress_id: string | null;
  /** `asked`: LiveKit has not answered yet. */
  state: 'asked' | 'starting' | 'running' | 'ended' | 'failed';
  error: string | null;
}

/** Does LiveKit still work on it, as far as is known? */
export const isAtWork = ({ state }: Pick<EncoderState, 'state'>): boolean => state !== 'ended' && state !== 'failed';

/** LiveKit never reports it. */
export const LOST = 'the egress service that made it is gone: it was killed, or its machine is off';

const STATES = {
  starting: 'starting',
  recording: 'running',
  ending: 'running',
  complete: 'ended',
  failed: 'failed',
} as const satisfies Record<Egress['state'], EncoderState['state']>;

/** An encoder after LiveKit told its state. States may arrive early, late or twice: what is over stays over. */
export function encoderAfter(encoder: EncoderState, egress: Egress): EncoderState {
  if (!isAtWork(encoder)) return encoder;
  const next = STATES[egress.state];
  return {
    egress_id: egress.id,
    // "starting" may come after "running"
    state: encoder.state === 'running' && next === 'starting' ? 'running' : next,
    error: egress.state === 'failed' ? (egress.error ?? 'it failed') : null,
  };
}
