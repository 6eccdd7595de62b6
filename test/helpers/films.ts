import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Film {
  width?: number;
  height?: number;
  seconds?: number;
  framerate?: number;
  /** Turns it by the file's metadata, as phones do. */
  rotate?: number;
  /** Plays this often in a row: long films are quickly made. */
  times?: number;
  noVideo?: boolean;
  noAudio?: boolean;
}

/** Makes a recording with ffmpeg: noise and a moving test picture, which is hard to compress, and a tone. @returns its path */
export async function makeFilm(dir: string, name: string, film: Film = {}): Promise<string> {
  const { width = 640, height = 360, seconds = 5, framerate = 30, times = 1, noVideo, noAudio, rotate } = film;
  const file = path.join(dir, name);
  const picture = `testsrc2=s=${width}x${height}:r=${framerate}:d=${seconds},noise=alls=20:allf=t`;
  const inputs = [
    ...(noVideo ? [] : ['-f', 'lavfi', '-i', picture]),
    ...(noAudio ? [] : ['-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}:sample_rate=48000`]),
  ];
  const isWebm = name.endsWith('.webm');
  const video = isWebm
    ? ['-c:v', 'libvpx', '-b:v', '1M', '-deadline', 'realtime']
    : ['-c:v', 'libx264', '-preset', 'ultrafast'];
  const codecs = [
    ...(noVideo ? [] : [...video, '-pix_fmt', 'yuv420p']),
    ...(noAudio ? [] : ['-c:a', isWebm ? 'libopus' : 'aac']),
  ];
  // segments as LiveKit names them
  const numbered = name.endsWith('.m3u8') ? ['-hls_segment_filename', file.replace('.m3u8', '_%05d.ts')] : [];
  const output = [...numbered, '-y', file];
  await run('ffmpeg', ['-loglevel', 'error', '-nostdin', ...inputs, ...codecs, ...output], { timeout: 300_000 });
  if (rotate === undefined && times === 1) return file;
  const copied = path.join(dir, `copied-${name}`);
  const metadata = rotate === undefined ? [] : ['-metadata:s:v:0', `rotate=${rotate}`];
  const again = ['-stream_loop', String(times - 1), '-i', file, '-c', 'copy', ...metadata, '-y', copied];
  await run('ffmpeg', ['-loglevel', 'error', '-nostdin', ...again]);
  return copied;
}

export interface Probed {
  width: number | null;
  height: number | null;
  /** e.g. `h264 aac` */
  codecs: string;
  seconds: number;
  /** Bits a second, all streams; of the picture alone where the file tells. */
  bitrate: number;
  profile: string | null;
}

/** What ffprobe says about a file or an address. */
export async function probe(target: string): Promise<Probed> {
  const args = ['-v', 'error', '-show_streams', '-show_format', '-of', 'json', target];
  const { stdout } = await run('ffprobe', args, { timeout: 60_000 });
  const { streams, format } = JSON.parse(stdout);
  const video = streams.find((stream: any) => stream.codec_type === 'video');
  return {
    width: video?.width ?? null,
    height: video?.height ?? null,
    codecs: streams.map((stream: any) => stream.codec_name).join(' '),
    seconds: Number(format.duration),
    bitrate: Number(format.bit_rate),
    profile: video?.profile ?? null,
  };
}

/** Times of the key frames of a playlist or file, seconds, the first at 0. */
export async function keyFrames(target: string): Promise<number[]> {
  const entries = [
    '-select_streams',
    'v:0',
    '-skip_frame',
    'nokey',
    '-show_entries',
    'frame=pts_time',
    '-of',
    'csv=p=0',
  ];
  const { stdout } = await run('ffprobe', ['-v', 'error', ...entries, target], { timeout: 60_000 });
  const times = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => Number(line.split(',')[0]));
  return times.map((time) => Math.round((time - (times[0] ?? 0)) * 1000) / 1000);
}
