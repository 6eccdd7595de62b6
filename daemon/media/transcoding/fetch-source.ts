import { createWriteStream } from 'node:fs';
import { copyFile, readFile, rename, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { playlistKeys } from '#daemon/apps/storage/playlist-text.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import type { StorageClient } from '#shared/plugin-sdk/storage-provider.ts';
import { wholeBody } from '#shared/plugin-sdk/whole-body.ts';
import { UnusableSource } from './failures.ts';
import { readSegments } from './playlists.ts';
import type { Report, TranscodingSource } from './work.ts';

/** The recording as ffmpeg opens it. */
export interface LocalSource {
  path: string;
  demuxer: string;
}

const DEMUXERS: Readonly<Record<string, string>> = {
  '.webm': 'matroska',
  '.mkv': 'matroska',
  '.ogg': 'ogg',
  '.ts': 'mpegts',
  '.mp3': 'mp3',
  '.m3u8': 'hls',
};
/** Name of the demuxer by the file's name, so that ffmpeg never guesses; most recordings are MP4. */
const demuxerOf = (name: string): string => DEMUXERS[path.posix.extname(name).toLowerCase()] ?? 'mov';

const MAX_PLAYLIST_BYTES = 8_000_000;
/** A recording is fetched in parts; a storage that stopped sending is noticed by their limit. */
const PART_BYTES = 64 * 1024 * 1024;
const PART_MS = 900_000;

export interface FetchOptions {
  /** The job's own folder. */
  folder: string;
  open(): Promise<StorageClient>;
  /** Refuses what doesn't fit on the disk. */
  checkSpace(bytes: number): Promise<void>;
  report: Report;
  signal: AbortSignal;
}

/**
 * Downloads the recording to this machine. ffmpeg reads files only: it never gets an address or a signature, and every provider,
 * proxy and address rule applies to it. What an earlier attempt has fetched is kept.
 */
export async function fetchSource(source: TranscodingSource, options: FetchOptions): Promise<LocalSource> {
  switch (source.kind) {
    case 'file':
      await requireFile(source.path);
      return { path: source.path, demuxer: demuxerOf(source.name) };
    case 'object': {
      const file = path.join(options.folder, `source${path.posix.extname(source.key)}`);
      if (!(await isThere(file))) await fetchFile(await options.open(), source.key, file, options);
      return { path: file, demuxer: demuxerOf(source.key) };
    }
    case 'playlist':
      return fetchPlaylist(source, options);
  }
}

async function fetchFile(client: StorageClient, key: string, file: string, options: FetchOptions): Promise<void> {
  const { report, signal, checkSpace } = options;
  const info = await client.head(key, { signal });
  if (info === null) throw new UnusableSource('The recording is no longer in the storage.');
  const part = `${file}.part`;
  const have = await sizeOf(part);
  let done = have > info.size ? 0 : have;
  await checkSpace(info.size - done);
  const tell = () => report({ phase: 'download', done, total: info.size, failed: 0, unit: 'bytes' });
  tell();
  if (info.size === 0) throw new UnusableSource('The recording is empty.');
  let told = performance.now();
  while (done < info.size) {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(PART_MS)]);
    const range = { start: done, end: Math.min(info.size, done + PART_BYTES) - 1 };
    const { body } = await client.get(key, { range, signal: limited });
    body.on('data', (chunk: Buffer) => {
      done += chunk.length;
      if (performance.now() - told < 1000) return;
      told = performance.now();
      tell();
    });
    await pipeline(body, createWriteStream(part, { flags: range.start > 0 ? 'a' : 'w' }), { signal: limited });
    if (done <= range.end) break;
  }
  if ((await sizeOf(part)) !== info.size) {
    await unlink(part);
    throw new Error('the storage sent another number of bytes than it says');
  }
  await rename(part, file);
}

/** ffmpeg gets a new playlist of the segments that the recording's own names: nothing else from the file. */
async function fetchPlaylist(
  { key, folder }: Extract<TranscodingSource, { kind: 'playlist' }>,
  options: FetchOptions,
): Promise<LocalSource> {
  const into = path.join(options.folder, 'source');
  const index = path.join(into, 'index.m3u8');
  if (await isThere(index)) return { path: index, demuxer: 'hls' };
  await makeFolder(into, 0o777);
  const client = folder === null ? await options.open() : null;
  const text =
    client === null
      ? await readFile(path.join(folder as string, key), 'utf8')
      : await readText(client, key, options.signal);
  const keys = playlistKeys(text, { key, scope: path.posix.dirname(key) });
  const segments = readSegments(text);
  if (segments.length === 0 || keys.length < segments.length)
    throw new UnusableSource('The recording’s playlist names no segments, or some in another folder.');
  const names: string[] = [];
  for (const [number, segment] of keys.entries()) {
    options.signal.throwIfAborted();
    const name = `${String(number).padStart(6, '0')}${path.posix.extname(segment)}`;
    const file = path.join(into, name);
    if (!(await isThere(file))) {
      if (client !== null) await fetchFile(client, segment, file, { ...options, report: () => undefined });
      else await link(path.join(folder as string, segment), file);
    }
    names.push(name);
    options.report({ phase: 'download', done: number + 1, total: keys.length, failed: 0, unit: 'segments' });
  }
  const longest = Math.ceil(Math.max(...segments.map(({ seconds }) => seconds)));
  const lines = names.flatMap((name, number) => [`#EXTINF:${segments[number]?.seconds ?? longest},`, name]);
  const head = ['#EXTM3U', '#EXT-X-VERSION:3', `#EXT-X-TARGETDURATION:${longest}`, '#EXT-X-MEDIA-SEQUENCE:0'];
  await writeFile(`${index}.part`, [...head, ...lines, '#EXT-X-ENDLIST', ''].join('\n'));
  await rename(`${index}.part`, index);
  return { path: index, demuxer: 'hls' };
}

/** File systems without links get a copy. */
async function link(from: string, to: string): Promise<void> {
  await requireFile(from);
  try {
    await symlink(from, to);
  } catch {
    await copyFile(from, to);
  }
}

async function readText(client: StorageClient, key: string, signal: AbortSignal): Promise<string> {
  const { body } = await client.get(key, { range: { start: 0, end: MAX_PLAYLIST_BYTES - 1 }, signal });
  return (await wholeBody(body, MAX_PLAYLIST_BYTES)).toString();
}

async function requireFile(file: string): Promise<void> {
  if (!(await isThere(file))) throw new UnusableSource('The recording is no longer in the app’s folder.');
}

const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    (found) => found.isFile(),
    () => false,
  );

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );
