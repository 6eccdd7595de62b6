import type { ManagedProgram } from '#shared/schema/livekit.ts';
import type { Tone } from '../../ui/feedback/state.tsx';

export const PROGRAM_NAMES: Readonly<Record<ManagedProgram['program'], string>> = {
  redis: 'Redis',
  livekit: 'LiveKit server',
  egress: 'Egress',
  ingress: 'Ingress',
};

/** What each program is for. */
export const PROGRAM_USES: Readonly<Record<ManagedProgram['program'], string>> = {
  redis: 'connects the others',
  livekit: 'carries all media',
  egress: 'recordings and live HLS',
  ingress: 'streams from encoders',
};

export const STATE_WORDS: Readonly<Record<ManagedProgram['state'], readonly [words: string, tone: Tone]>> = {
  off: ['stopped', 'muted'],
  waiting: ['waiting', 'busy'],
  starting: ['starting', 'busy'],
  running: ['running', 'ok'],
  draining: ['finishing open rooms', 'busy'],
  stopping: ['stopping', 'busy'],
  failed: ['can’t be started', 'danger'],
  missing: ['not installed', 'muted'],
};
