import type { Size } from '#shared/delivery/ladder.ts';
import { LONGEST_S } from '../livekit/facts.ts';

/** What ffprobe tells about a recording. */
export interface SourceFacts {
  /** As it is shown: turned, and with square pixels. Null without video. */
  size: Size | null;
  /** Frames a second, as ffmpeg takes it, e.g. `30` or `30000/1001`. */
  framerate: string;
  hasAudio: boolean;
  seconds: number;
}

interface ProbedStream {
  codec_type?: string;
  width?: number;
  height?: number;
  sample_aspect_ratio?: string;
  avg_frame_rate?: string;
  r_frame_rate?: string;
  duration?: string;
  tags?: { rotate?: string };
  side_data_list?: { rotation?: number }[];
  disposition?: { attached_pic?: number };
}

const MAX_FRAMERATE = 60;

/** Reads the JSON of `ffprobe -show_streams -show_format`. Null if there is nothing to play in it. */
export function readProbe(json: string): SourceFacts | null {
  const { streams = [], format } = JSON.parse(json) as { streams?: ProbedStream[]; format?: { duration?: string } };
  const video = streams.find(
    ({ codec_type, disposition }) => codec_type === 'video' && disposition?.attached_pic !== 1,
  );
  const hasAudio = streams.some(({ codec_type }) => codec_type === 'audio');
  const size = video === undefined ? null : shownSize(video);
  const seconds = Number(format?.duration ?? Math.max(0, ...streams.map(({ duration }) => Number(duration ?? 0))));
  if ((size === null && !hasAudio) || !(seconds > 0 && seconds <= LONGEST_S)) return null;
  return { size, framerate: video === undefined ? '0' : framerateOf(video), hasAudio, seconds };
}

function shownSize({ width = 0, height = 0, sample_aspect_ratio, tags, side_data_list }: ProbedStream): Size | null {
  if (width < 2 || height < 2) return null;
  const aspect = ratio((sample_aspect_ratio ?? '1:1').replace(':', '/'));
  const shown = { width: aspect > 0 ? Math.round(width * aspect) : width, height };
  const turned = Number(side_data_list?.find(({ rotation }) => rotation !== undefined)?.rotation ?? tags?.rotate ?? 0);
  return Math.abs(turned) % 180 === 90 ? { width: shown.height, height: shown.width } : shown;
}

/** A steady rate stays as it is; what browsers send changes all the time, and gets the whole number next to its average. */
function framerateOf({ avg_frame_rate = '', r_frame_rate = '' }: ProbedStream): string {
  const average = ratio(avg_frame_rate);
  const steady = ratio(r_frame_rate);
  if (steady > 0 && steady <= MAX_FRAMERATE && Math.abs(average - steady) < 0.05 * steady) return r_frame_rate;
  const whole = Math.round(average > 0 ? average : steady);
  return String(Math.min(MAX_FRAMERATE, Math.max(1, whole || 30)));
}

/** The value of `a/b`; 0 when there is none. */
export function ratio(text: string): number {
  const [above = '0', below = '1'] = text.split('/');
  const value = Number(above) / Number(below);
  return Number.isFinite(value) ? value : 0;
}
