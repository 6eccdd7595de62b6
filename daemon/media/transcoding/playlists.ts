import { bounded, LONGEST_SEGMENT_S } from '../livekit/facts.ts';
import type { NamedRung } from './ffmpeg-args.ts';

/** A segment as a playlist of ffmpeg lists it. */
export interface Segment {
  name: string;
  seconds: number;
  /** An earlier run of ffmpeg ended before it. */
  isDiscontinuous: boolean;
}

/** A day's recording has 43,200. */
const MAX_SEGMENTS = 100_000;

/** Segments that a media playlist lists, in order, without those whose length can't be. None of a list that is too long. */
export function readSegments(text: string): Omit<Segment, 'isDiscontinuous'>[] {
  const found: Omit<Segment, 'isDiscontinuous'>[] = [];
  let seconds: number | null = null;
  for (const line of text.split(/\r?\n/)) {
    const info = /^#EXTINF:([\d.]+)/.exec(line);
    if (info !== null) seconds = bounded(Number(info[1]), 0, LONGEST_SEGMENT_S);
    else if (line !== '' && !line.startsWith('#') && seconds !== null) {
      found.push({ name: line.slice(line.lastIndexOf('/') + 1), seconds });
      seconds = null;
    }
  }
  return found.length > MAX_SEGMENTS ? [] : found;
}

/** The media playlist of one quality (RFC 8216, version 6). */
export function mediaPlaylist(segments: readonly Segment[]): string {
  const longest = segments.reduce((most, { seconds }) => Math.max(most, Math.round(seconds)), 1);
  return [
    ...['#EXTM3U', '#EXT-X-VERSION:6', `#EXT-X-TARGETDURATION:${longest}`, '#EXT-X-MEDIA-SEQUENCE:0'],
    ...['#EXT-X-PLAYLIST-TYPE:VOD', '#EXT-X-INDEPENDENT-SEGMENTS'],
    ...segments.flatMap(({ name, seconds, isDiscontinuous }) => [
      ...(isDiscontinuous ? ['#EXT-X-DISCONTINUITY'] : []),
      `#EXTINF:${seconds.toFixed(6)},`,
      name,
    ]),
    '#EXT-X-ENDLIST',
    '',
  ].join('\n');
}

/** What the master playlist says about one quality. */
export interface Rendition {
  name: string;
  rung: NamedRung | null;
  /** Bits a second, measured. */
  peak: number;
  average: number;
  /** e.g. `avc1.64001f,mp4a.40.2` */
  codecs: string;
  framerate: number;
}

/** The master playlist, best quality first. */
export function masterPlaylist(renditions: readonly Rendition[]): string {
  return [
    ...['#EXTM3U', '#EXT-X-VERSION:6', '#EXT-X-INDEPENDENT-SEGMENTS'],
    ...renditions.flatMap(({ name, rung, peak, average, codecs, framerate }) => [
      `#EXT-X-STREAM-INF:${[
        `BANDWIDTH=${peak}`,
        `AVERAGE-BANDWIDTH=${average}`,
        ...(rung === null ? [] : [`RESOLUTION=${rung.width}x${rung.height}`]),
        `CODECS="${codecs}"`,
        ...(rung === null ? [] : [`FRAME-RATE=${framerate.toFixed(3)}`]),
      ].join(',')}`,
      `${name}/index.m3u8`,
    ]),
    '',
  ].join('\n');
}

/**
 * Bit rates of segments: over all of them, and of the largest. A short last segment says nothing about the peak
 * (RFC 8216, section 4.3.4.2: segments of at least half the target duration count).
 */
export function bitRates(segments: readonly { seconds: number; bytes: number }[]): { peak: number; average: number } {
  const longest = segments.reduce((most, one) => Math.max(most, one.seconds), 0);
  const bytes = segments.reduce((sum, one) => sum + one.bytes, 0);
  const seconds = segments.reduce((sum, one) => sum + one.seconds, 0);
  if (seconds === 0) return { average: 0, peak: 0 };
  const average = Math.ceil((8 * bytes) / seconds);
  const counted = segments.filter((one) => one.seconds >= longest / 2);
  const peak = counted.reduce((most, one) => Math.max(most, Math.ceil((8 * one.bytes) / one.seconds)), average);
  return { average, peak };
}

const PROFILES: Readonly<Record<string, string>> = {
  'Constrained Baseline': '42e0',
  Baseline: '4200',
  Main: '4d40',
  High: '6400',
};

/** The codecs of a segment (RFC 6381), from the JSON of ffprobe. */
export function codecsOf(json: string): string {
  const { streams = [] } = JSON.parse(json) as {
    streams?: { codec_name?: string; profile?: string; level?: number }[];
  };
  const h264 = streams.find(({ codec_name }) => codec_name === 'h264');
  const video =
    h264 && `avc1.${PROFILES[h264.profile ?? ''] ?? '6400'}${(h264.level ?? 40).toString(16).padStart(2, '0')}`;
  const sound = streams.some(({ codec_name }) => codec_name === 'aac') ? 'mp4a.40.2' : undefined;
  return [video, sound].filter((one) => one !== undefined).join(',');
}
