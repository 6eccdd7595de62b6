import type { VideoGrant } from 'livekit-server-sdk';

/** What a room token allows. */
export interface JoinGrant {
  room: string;
  identity: string;
  name?: string;
  metadata?: string;
  ttlSeconds: number;
  grant: Omit<VideoGrant, 'room' | 'roomJoin' | 'canPublishSources'>;
  audioOnly: boolean;
  /** For the room, where its bearer is the first in it. */
  playoutDelayMs: number | null;
}

/** What a token of ours allows its holder. */
export interface JoinRights {
  room: string;
  identity: string;
  canPublish: boolean;
  canSubscribe: boolean;
  isHidden: boolean;
}
