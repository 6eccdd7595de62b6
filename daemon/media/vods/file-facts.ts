import { bounded, byteCount, lengthSeconds, type Span } from '../livekit/facts.ts';
import type { MediaFacts } from './mp4-header.ts';

const LARGEST_PX = 16_384;
const HIGHEST_RATE = 1000;

/**
 * What a file says of itself, within limits. Anyone who can write to the bucket can write any number into its header or
 * playlist, and quotas sum them.
 * @param span of the recording
 * @param bytes of its segments, if it is a playlist
 */
export function boundedFacts(facts: MediaFacts, span: Span, bytes?: number): MediaFacts & { bytes: number | null } {
  const seconds = facts.seconds === null ? null : lengthSeconds(facts.seconds * 1e9, span);
  return {
    seconds,
    width: bounded(facts.width, 1, LARGEST_PX),
    height: bounded(facts.height, 1, LARGEST_PX),
    videoCodec: codecOf(facts.videoCodec),
    audioCodec: codecOf(facts.audioCodec),
    frameRate: bounded(facts.frameRate, Number.MIN_VALUE, HIGHEST_RATE),
    bytes: byteCount(bytes, seconds),
  };
}

const codecOf = (name: string | null): string | null => (name !== null && /^[\w.-]{1,32}$/.test(name) ? name : null);
