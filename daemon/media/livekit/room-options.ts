import type { CreateOptions } from 'livekit-server-sdk';

/** Settings that only a new room can get; LiveKit can't change them later. */
export interface RoomSettings {
  /** Milliseconds that players may wait for smoother playback; null = LiveKit's own setting. */
  playoutDelayMs: number | null;
}

/** The settings in LiveKit's words, for a room that is created and for a token whose bearer may be the first in it. */
export function roomOptions({
  playoutDelayMs,
}: RoomSettings): Pick<CreateOptions, 'minPlayoutDelay' | 'maxPlayoutDelay'> {
  if (playoutDelayMs === null) return {};
  // LiveKit takes 0 and 0 for "not given"; it rounds down to tens of milliseconds, so that 1 means none
  return { minPlayoutDelay: playoutDelayMs, maxPlayoutDelay: Math.max(1, playoutDelayMs) };
}
