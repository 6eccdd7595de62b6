import path from 'node:path';
import { playlistCacheControl } from '#shared/delivery/cdn.ts';
import type { Rung } from '#shared/delivery/ladder.ts';
import type { LiveHlsPlan } from '#shared/delivery/plan.ts';
import { LONGEST_SEGMENT_S } from '../livekit/facts.ts';

/** A segment of a media playlist (RFC 8216). */
interface Segment {
  /** Relative to its playlist. */
  name: string;
  seconds: number;
  /** Program date time of its begin, milliseconds since 1970; null = unknown. */
  at: number | null;
  /** A different encoder made it than the previous one. */
  isDiscontinuous: boolean;
}

export interface MediaPlaylist {
  /** Of the first segment. */
  sequence: number;
  /** Discontinuities before the first segment. */
  discontinuities: number;
  segments: Segment[];
  isEnded: boolean;
}

/** More than a player ever loads again; a longer list is cut. */
const MAX_WINDOW = 10_000;
/** Segments that are older than the list stay for at least so many seconds, for players that are behind. */
const KEPT_SECONDS = 30;
/** A name that LiveKit's egress service gives: what was asked for, and five digits or more. */
const NUMBERED = /_(\d{5,9})\.ts$/;

/** Reads a playlist; undefined if the text isn't one. Names outside the folder are left out. */
export function readMediaPlaylist(text: string | null): MediaPlaylist | undefined {
  if (text?.startsWith('#EXTM3U') !== true) return undefined;
  const list: MediaPlaylist = { sequence: 0, discontinuities: 0, segments: [], isEnded: false };
  let seconds: number | undefined;
  let at: number | null = null;
  let isDiscontinuous = false;
  for (const line of text.split(/\r?\n/)) {
    const [, tag = '', value = ''] = /^#(EXT[A-Z0-9-]+)(?::(.*))?$/.exec(line) ?? [];
    if (tag === 'EXT-X-MEDIA-SEQUENCE') list.sequence = wholeOf(value);
    else if (tag === 'EXT-X-DISCONTINUITY-SEQUENCE') list.discontinuities = wholeOf(value);
    else if (tag === 'EXT-X-DISCONTINUITY') isDiscontinuous = true;
    else if (tag === 'EXT-X-ENDLIST') list.isEnded = true;
    else if (tag === 'EXT-X-PROGRAM-DATE-TIME') at = timeOf(value);
    else if (tag === 'EXTINF') seconds = Number.parseFloat(value);
    else if (line !== '' && !line.startsWith('#') && seconds !== undefined) {
      if (isName(line) && seconds >= 0 && seconds <= LONGEST_SEGMENT_S)
        list.segments.push({ name: line, seconds, at, isDiscontinuous });
      seconds = undefined;
      isDiscontinuous = false;
      at = null;
    }
  }
  return list;
}

const wholeOf = (text: string): number => (/^\d{1,15}$/.test(text) ? Number(text) : 0);
const isName = (name: string): boolean => /^[\w.-]{1,200}$/.test(name) && name === path.posix.basename(name);

/** ISO 8601; ffmpeg writes the zone without a colon. */
function timeOf(text: string): number | null {
  const time = Date.parse(text.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'));
  return Number.isFinite(time) ? time : null;
}

/** When the newest media ends, milliseconds since 1970; null = unknown. */
export function endOf({ segments }: Pick<MediaPlaylist, 'segments'>): number | null {
  const last = segments.at(-1);
  return last === undefined || last.at === null ? null : last.at + last.seconds * 1000;
}

/**
 * Adds what is new in an encoder's playlist to the list that viewers have, and cuts the list.
 * @param source the encoder's playlist; its names begin with `prefix`
 * @param size segments in the list
 * @returns undefined when segments between the two are missing: then more of the source has to be read
 */
export function extend(
  list: MediaPlaylist,
  source: Pick<MediaPlaylist, 'segments'>,
  { prefix, size, isWhole }: { prefix: string; size: number; isWhole: boolean },
): MediaPlaylist | undefined {
  const last = list.segments.findLast(({ name }) => name.startsWith(`${prefix}_`))?.name;
  const index = last === undefined ? -1 : source.segments.findIndex(({ name }) => name === last);
  const isGap = index === -1 && source.segments.length > 0 && numberOf(source.segments[0]) > numberAfter(last);
  if (isGap && !isWhole) return undefined;
  const added = source.segments
    .slice(index + 1)
    .filter((segment) => index !== -1 || last === undefined || numberOf(segment) > numberOf({ name: last }))
    .map((segment, position) => ({
      ...segment,
      isDiscontinuous:
        segment.isDiscontinuous || (position === 0 && list.segments.length > 0 && (last === undefined || isGap)),
    }));
  return cut({ ...list, segments: [...list.segments, ...added] }, size);
}

function cut(list: MediaPlaylist, size: number): MediaPlaylist {
  const gone = Math.max(0, list.segments.length - Math.min(size, MAX_WINDOW));
  if (gone === 0) return list;
  // a discontinuity before the first segment that stays is counted, its tag is not written any more
  const first = list.segments[gone] as Segment;
  const discontinuities =
    list.discontinuities +
    list.segments.slice(0, gone).filter((segment) => segment.isDiscontinuous).length +
    (first.isDiscontinuous ? 1 : 0);
  const segments = list.segments
    .slice(gone)
    .map((segment, index) => (index === 0 ? { ...segment, isDiscontinuous: false } : segment));
  return { ...list, sequence: list.sequence + gone, discontinuities, segments };
}

const numberOf = (segment: { name: string } | undefined): number =>
  Number(NUMBERED.exec(segment?.name ?? '')?.[1] ?? 0);
/** The number of the segment that follows; of none, the first one. */
const numberAfter = (name: string | undefined): number => (name === undefined ? 0 : numberOf({ name }) + 1);

/** Writes a media playlist. */
export function mediaPlaylist(list: MediaPlaylist, segmentSeconds: number): string {
  const longest = Math.max(segmentSeconds, ...list.segments.map(({ seconds }) => Math.round(seconds)));
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:6',
    `#EXT-X-TARGETDURATION:${longest}`,
    `#EXT-X-MEDIA-SEQUENCE:${list.sequence}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${list.discontinuities}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
    ...list.segments.flatMap(({ name, seconds, at, isDiscontinuous }) => [
      ...(isDiscontinuous ? ['#EXT-X-DISCONTINUITY'] : []),
      ...(at === null ? [] : [`#EXT-X-PROGRAM-DATE-TIME:${new Date(at).toISOString()}`]),
      `#EXTINF:${seconds.toFixed(6)},`,
      name,
    ]),
    ...(list.isEnded ? ['#EXT-X-ENDLIST'] : []),
    '',
  ].join('\n');
}

/** H.264 level for a picture at up to 60 frames a second (ITU-T H.264, table A-1). */
export function levelOf({ width, height }: Rung, framerate: number): string {
  const macroblocks = Math.ceil(width / 16) * Math.ceil(height / 16);
  const levels = [
    ['1e', 1620, 40_500],
    ['1f', 3600, 108_000],
    ['20', 5120, 216_000],
    ['28', 8192, 245_760],
    ['2a', 8704, 522_240],
    ['33', 36_864, 983_040],
  ] as const;
  const found = levels.find(([, frame, second]) => macroblocks <= frame && macroblocks * framerate <= second);
  return found?.[0] ?? '34';
}

/** The folder of each quality below a run's. A ladder may have two qualities of one height. */
export const rungNames = (rungs: readonly Rung[]): string[] =>
  rungs.map(({ height }, index) => {
    const isFirst = rungs.findIndex((rung) => rung.height === height) === index;
    return isFirst ? `${height}p` : `${height}p-${index + 1}`;
  });

/** The playlist of a quality, in its folder. */
export const VARIANT = 'live.m3u8';

/**
 * Writes the master playlist, best quality first.
 * @param ready positions in the ladder that can be played
 */
export function masterPlaylist(
  { rungs, framerate }: Pick<LiveHlsPlan, 'rungs' | 'framerate'>,
  ready: ReadonlySet<number>,
): string {
  const names = rungNames(rungs);
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:6',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    ...rungs.flatMap((rung, index) => {
      if (!ready.has(index)) return [];
      const average = (rung.bitrateKbps + rung.audioKbps) * 1000;
      return [
        `#EXT-X-STREAM-INF:${[
          // the container and peaks of the encoder
          `BANDWIDTH=${Math.round(average * 1.25)}`,
          `AVERAGE-BANDWIDTH=${Math.round(average * 1.1)}`,
          `RESOLUTION=${rung.width}x${rung.height}`,
          `CODECS="avc1.4d40${levelOf(rung, framerate)},mp4a.40.2"`,
          `FRAME-RATE=${framerate.toFixed(3)}`,
        ].join(',')}`,
        `${names[index]}/${VARIANT}`,
      ];
    }),
    '',
  ].join('\n');
}

/** Segments of one encoder that can be removed: those that no list has had for a while. */
export function outdated(
  { segments }: Pick<MediaPlaylist, 'segments'>,
  encoder: { prefix: string; removedTo: number },
  plan: Pick<LiveHlsPlan, 'listSize' | 'segmentSeconds'>,
): { names: string[]; to: number } {
  const first = segments.find(({ name }) => name.startsWith(`${encoder.prefix}_`));
  const margin = Math.max(plan.listSize, Math.ceil(KEPT_SECONDS / plan.segmentSeconds)) + 2;
  const to = first === undefined ? encoder.removedTo : Math.max(encoder.removedTo, numberOf(first) - margin);
  const names = Array.from(
    { length: Math.min(1000, to - encoder.removedTo) },
    (_, index) => `${encoder.prefix}_${String(encoder.removedTo + index).padStart(5, '0')}.ts`,
  );
  return { names, to: encoder.removedTo + names.length };
}

const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';

/** A playlist as it is written to the storage. */
export const playlistObject = (key: string, text: string, plan: LiveHlsPlan, isFinal: boolean) => ({
  key,
  text,
  contentType: PLAYLIST_TYPE,
  cacheControl: playlistCacheControl(plan, isFinal),
});
