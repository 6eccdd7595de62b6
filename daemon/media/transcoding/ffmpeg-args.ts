import type { Rung } from '#shared/delivery/ladder.ts';
import { ratio, type SourceFacts } from './source.ts';

/** The video encoder: software, or the GPU's as the probe names it. */
export type Encoder = 'none' | 'nvidia' | 'vaapi';

/** One quality of the ladder with the folder of its segments. */
export interface NamedRung extends Rung {
  /** e.g. `720p` */
  name: string;
}

export interface LadderRun {
  /** Name of the source's demuxer, so that ffmpeg never guesses what a file from outside is. */
  demuxer: string;
  input: string;
  source: SourceFacts;
  /** Empty: sound only. */
  rungs: readonly NamedRung[];
  segmentSeconds: number;
  encoder: Encoder;
  /** Threads of each encoder; 0 = as ffmpeg chooses. */
  threads: number;
  /** Number of the first segment: those before it were made by an earlier run. */
  from: number;
  /** Where segments go, each rung in a folder of its name, and the playlists that this run writes. */
  folder: string;
  playlistOf(name: string): string;
}

/** Folder and playlist of a ladder that has sound only. */
const SOUND = 'audio';
const SOUND_KBPS = 128;
/** First GPU for VA-API. */
const RENDER_NODE = '/dev/dri/renderD128';

/** Names each rung by its lines; two of the same lines get a number. */
export function namedRungs(rungs: readonly Rung[]): NamedRung[] {
  const seen = new Map<string, number>();
  return rungs.map((rung) => {
    const lines = `${Math.min(rung.width, rung.height)}p`;
    const count = (seen.get(lines) ?? 0) + 1;
    seen.set(lines, count);
    return { ...rung, name: count === 1 ? lines : `${lines}-${count}` };
  });
}

/** What the ladder's playlists are called, best first. */
export const renditionNames = (rungs: readonly NamedRung[]): string[] =>
  rungs.length === 0 ? [SOUND] : rungs.map(({ name }) => name);

/**
 * Arguments of ffmpeg for the whole ladder: one decoder, one scaler and encoder per rung, key frames at the same moments in
 * each, so that their segments match. Pure.
 */
export function ladderArgs(run: LadderRun): string[] {
  const { source, rungs, encoder, threads, from, segmentSeconds } = run;
  const start = from * segmentSeconds;
  const isVideo = source.size !== null && rungs.length > 0;
  return [
    ...common(threads),
    ...(encoder === 'vaapi' && isVideo
      ? ['-init_hw_device', `vaapi=gpu:${RENDER_NODE}`, '-filter_hw_device', 'gpu']
      : []),
    ...inputArgs(run, start),
    ...(isVideo ? ['-filter_complex', filters(run)] : []),
    ...(isVideo
      ? rungs.flatMap((rung, index) => [
          ...['-map', `[v${index}]`],
          ...videoArgs(rung, run),
          ...(source.hasAudio ? ['-map', '0:a:0', ...soundArgs(rung.audioKbps)] : ['-an']),
          ...hlsArgs(run, rung.name, start),
        ])
      : ['-vn', '-map', '0:a:0', ...soundArgs(SOUND_KBPS), ...hlsArgs(run, SOUND, start)]),
  ];
}

/** Arguments of ffmpeg for one WebM file in VP8 and Opus. Pure. */
export function webmArgs(
  run: Pick<LadderRun, 'demuxer' | 'input' | 'source' | 'threads'> & { rung: Rung | null; output: string },
): string[] {
  const { source, rung, threads, output } = run;
  const video =
    rung === null
      ? ['-vn']
      : [
          ...['-map', '0:v:0', '-vf', `fps=${source.framerate},${scale(rung)},format=yuv420p`],
          ...['-c:v', 'libvpx', '-b:v', `${rung.bitrateKbps}k`, '-deadline', 'good', '-cpu-used', '4'],
          ...(threads > 0 ? ['-threads:v', String(threads)] : []),
        ];
  const sound = source.hasAudio
    ? ['-map', '0:a:0', '-c:a', 'libopus', '-b:a', `${rung?.audioKbps ?? SOUND_KBPS}k`, '-ac', '2', '-ar', '48000']
    : ['-an'];
  return [...common(threads), ...inputArgs(run, 0), ...video, ...sound, '-f', 'webm', '-y', output];
}

/** Arguments of ffprobe for what `readProbe` reads. */
export const probeArgs = (demuxer: string, input: string): string[] => [
  ...['-v', 'error', '-print_format', 'json', '-show_streams', '-show_format'],
  ...protect(demuxer),
  ...['-i', input],
];

const common = (threads: number): string[] => [
  ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-progress', 'pipe:1', '-stats_period', '1'],
  ...(threads > 0 ? ['-threads', String(threads), '-filter_complex_threads', String(threads)] : []),
];

function inputArgs({ demuxer, input }: Pick<LadderRun, 'demuxer' | 'input'>, start: number): string[] {
  return [...protect(demuxer), ...(start > 0 ? ['-ss', String(start)] : []), '-i', input];
}

/** A file from outside must not make ffmpeg open another file or an address. */
const protect = (demuxer: string): string[] => [
  ...['-protocol_whitelist', 'file', '-f', demuxer],
  ...(demuxer === 'hls' ? ['-allowed_extensions', 'ts,m4s,mp4,m3u8'] : []),
];

function filters({ source, rungs, encoder }: LadderRun): string {
  const upload = encoder === 'vaapi' ? ',format=nv12,hwupload' : ',format=yuv420p';
  const branches = rungs.map((rung, index) => {
    const from = rungs.length === 1 ? `[0:v:0]fps=${source.framerate},` : `[s${index}]`;
    return `${from}${scale(rung)}${upload}[v${index}]`;
  });
  if (rungs.length === 1) return branches.join(';');
  const split = rungs.map((_, index) => `[s${index}]`).join('');
  return [`[0:v:0]fps=${source.framerate},split=${rungs.length}${split}`, ...branches].join(';');
}

const scale = ({ width, height }: Rung): string => `scale=${width}:${height},setsar=1`;

function videoArgs(rung: NamedRung, { source, segmentSeconds, encoder, threads, rungs }: LadderRun): string[] {
  const gop = Math.ceil(ratio(source.framerate) * segmentSeconds);
  const each = Math.max(1, Math.floor(threads / rungs.length));
  return [
    ...['-c:v', { none: 'libx264', nvidia: 'h264_nvenc', vaapi: 'h264_vaapi' }[encoder]],
    ...(encoder === 'none' ? ['-preset', 'veryfast', '-sc_threshold', '0'] : []),
    ...(encoder === 'nvidia' ? ['-preset', 'p4', '-rc', 'vbr', '-no-scenecut', '1', '-forced-idr', '1'] : []),
    ...(encoder === 'vaapi' ? ['-rc_mode', 'VBR'] : []),
    ...['-profile:v', 'high', '-flags', '+cgop'],
    ...['-b:v', `${rung.bitrateKbps}k`, '-maxrate', `${Math.round(rung.bitrateKbps * 1.2)}k`],
    ...['-bufsize', `${rung.bitrateKbps * 2}k`],
    ...['-g', String(gop), '-force_key_frames', `expr:gte(t,n_forced*${segmentSeconds})`],
    ...(encoder === 'none' && threads > 0 ? ['-threads:v', String(each)] : []),
  ];
}

/** Gaps of a recording are filled, so that sound and picture stay together. */
const soundArgs = (kbps: number): string[] => [
  ...['-c:a', 'aac', '-b:a', `${kbps}k`, '-ac', '2', '-ar', '48000', '-af', 'aresample=async=1:first_pts=0'],
];

function hlsArgs({ folder, segmentSeconds, from, playlistOf }: LadderRun, name: string, start: number): string[] {
  return [
    ...(start > 0 ? ['-output_ts_offset', String(start)] : []),
    ...['-f', 'hls', '-hls_time', String(segmentSeconds), '-hls_list_size', '0'],
    ...['-hls_flags', 'independent_segments+temp_file', '-hls_segment_type', 'mpegts'],
    ...['-start_number', String(from), '-hls_segment_filename', `${folder}/${name}/seg_%05d.ts`],
    ...['-y', playlistOf(name)],
  ];
}
