import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { openStorage, type StorageAccess } from '#daemon/apps/storage/open-client.ts';
import { withPlugins } from '#daemon/plugins/broker-client.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import type { StorageClient } from '#shared/plugin-sdk/storage-provider.ts';
import { limitTime } from '#shared/plugin-sdk/time-limit.ts';
import { type MediaFacts, readMp4 } from '../mp4-header.ts';

export interface MediaInspectInput {
  access: StorageAccess;
  /** Of the file, or of its playlist; null = there is none to look at. */
  key: string | null;
  /** What the names of its pictures begin with, to count those that are there. */
  pictures: string | null;
  /** Ends a playlist that its recorder could not end, and looks for it elsewhere in the storage if it is not at its key. */
  isLost: boolean;
  /** What an egress service may have put before the key: the prefixes that it has put before other recordings. */
  prefixes: readonly string[];
  /** Path of ffprobe, where this machine has it. */
  ffprobe: string | undefined;
  port: MessagePort;
}

export interface MediaInspectOutput {
  /** Undefined if the file can't be read, or isn't a media file. */
  facts: MediaFacts | undefined;
  /**
   * Of a playlist: its segments, and what they take. Of a lost recording: all that are there, also those that no playlist
   * names yet, or whose playlist is missing.
   */
  segments: { keys: string[]; bytes: number } | undefined;
  /** What is before the key where the file was found: a prefix of the egress service's own. */
  prefix: string;
  /** Pictures that are there; null = not counted. */
  pictures: number | null;
  /** The storage could not be asked; later it may. */
  isAway: boolean;
}

const MAX_PLAYLIST_BYTES = 8_000_000;
/** Enough for the beginning of each stream. */
const PROBED_BYTES = 4_000_000;
const PROBE_MS = 20_000;
const MAX_PICTURES = 100_000;
const MAX_SEGMENTS = 100_000;
/** What follows in the key of a playlist, a segment or a picture. */
const OF_RECORDING = /^(?:\.m3u8|_\d+\.\w+)$/;
/** Of a listing in which a lost recording is looked for: 200,000 keys. */
const MAX_PAGES = 200;

/** Reads what a recording is from its file, wherever that is: LiveKit reports a wrong length and no size. */
export default async function mediaInspect(input: MediaInspectInput): Promise<MediaInspectOutput> {
  const output: MediaInspectOutput = {
    ...{ facts: undefined, segments: undefined },
    ...{ prefix: '', pictures: null, isAway: false },
  };
  try {
    await withPlugins(input.port, async (broker) => {
      const { client } = await openStorage(input.access, broker);
      try {
        const stems = [input.key?.replace(/\.m3u8$/, ''), input.pictures].filter((stem) => typeof stem === 'string');
        if (input.isLost) output.prefix = await prefixOf(client, stems, input.prefixes);
        const { prefix } = output;
        if (input.pictures !== null) output.pictures = await countPictures(client, prefix + input.pictures);
        if (input.key !== null) Object.assign(output, await inspect(client, prefix + input.key, input));
      } finally {
        client.dispose();
      }
    });
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    output.isAway = error.code !== 'OBJECT_MISSING';
  }
  return output;
}

/**
 * What an egress service has put before its keys. Only the result of a recording tells its own prefix, and a lost one has no
 * result: so its objects are at their keys, or where other recordings were, or they are looked for. Its names are used only once.
 * @param stems how the keys of its playlist, segments and pictures begin without the prefix
 */
async function prefixOf(client: StorageClient, stems: readonly string[], prefixes: readonly string[]): Promise<string> {
  for (const prefix of ['', ...prefixes])
    for (const stem of stems)
      for await (const page of client.list({ prefix: prefix + stem }))
        if (page.some(({ key }) => OF_RECORDING.test(key.slice(prefix.length + stem.length)))) return prefix;
  let pages = 0;
  for await (const page of client.list({ prefix: '' })) {
    for (const { key } of page)
      for (const stem of stems) {
        const at = key.lastIndexOf(`/${stem}`) + 1;
        if (at > 0 && OF_RECORDING.test(key.slice(at + stem.length))) return key.slice(0, at);
      }
    if (++pages === MAX_PAGES) break;
  }
  return '';
}

async function inspect(
  client: StorageClient,
  key: string,
  { ffprobe, isLost }: MediaInspectInput,
): Promise<Pick<MediaInspectOutput, 'facts' | 'segments'>> {
  const size = (await client.head(key))?.size;
  if (key.endsWith('.m3u8')) {
    const found = size === undefined ? undefined : await inspectPlaylist(client, key, size, { ffprobe, isLost });
    if (found !== undefined) return found;
    if (isLost) return { facts: undefined, segments: await leftBeside(client, key) };
    if (size !== undefined) return { facts: undefined, segments: undefined };
  }
  if (size === undefined) throw new StorageError('OBJECT_MISSING');
  const facts = await readMp4((offset, length) => part(client, key, offset, length), size);
  if (facts !== undefined || ffprobe === undefined) return { facts, segments: undefined };
  return { facts: await probe(ffprobe, await part(client, key, 0, PROBED_BYTES)), segments: undefined };
}

/** Undefined if it can't be read, or is not a playlist with segments. */
async function inspectPlaylist(
  client: StorageClient,
  key: string,
  size: number,
  { ffprobe, isLost }: { ffprobe: string | undefined; isLost: boolean },
): Promise<Pick<MediaInspectOutput, 'facts' | 'segments'> | undefined> {
  if (size > MAX_PLAYLIST_BYTES) return undefined;
  const text = (await part(client, key, 0, size)).toString();
  const folder = path.posix.dirname(key);
  const names = text.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'));
  const keys = names.filter((name) => !name.includes('/')).map((name) => path.posix.join(folder, name));
  const first = keys[0];
  if (!text.startsWith('#EXTM3U') || first === undefined) return undefined;
  // players would wait for more
  if (isLost && !text.includes('#EXT-X-ENDLIST')) {
    const ended = `${text.trimEnd()}\n#EXT-X-ENDLIST\n`;
    await client.put(key, ended, { contentType: 'application/vnd.apple.mpegurl' });
  }
  const lengths = [...text.matchAll(/^#EXTINF:([\d.]+)/gm)].map(([, seconds]) => Number(seconds));
  const seconds = lengths.reduce((sum, length) => sum + length, 0);
  const found = ffprobe === undefined ? undefined : await probe(ffprobe, await part(client, first, 0, PROBED_BYTES));
  const none = { width: null, height: null, videoCodec: null, audioCodec: null, frameRate: null };
  const stored = await storedSegments(client, first.replace(/\d*\.\w+$/, ''));
  // a segment is uploaded before the playlist that names it
  const named = new Set(keys);
  const all = isLost ? [...named, ...stored.keys().filter((name) => !named.has(name))] : keys;
  const bytes = all.reduce((sum, name) => sum + (stored.get(name) ?? 0), 0);
  return { facts: { ...none, ...found, seconds }, segments: { keys: all, bytes } };
}

/** What a lost recording left without a playlist that names it: such a playlist, and segments with the names that we ordered. */
async function leftBeside(client: StorageClient, playlist: string): Promise<{ keys: string[]; bytes: number }> {
  const stored = await storedSegments(client, playlist.replace(/\.m3u8$/, '_'));
  const bytes = stored.values().reduce((sum, size) => sum + size, 0);
  return { keys: [playlist, ...stored.keys()], bytes };
}

/** Keys of segments, which are named by a number, with their bytes. */
async function storedSegments(client: StorageClient, prefix: string): Promise<Map<string, number>> {
  const stored = new Map<string, number>();
  for await (const page of client.list({ prefix }))
    for (const { key, size } of page)
      if (/^\d+\.\w+$/.test(key.slice(prefix.length)) && stored.size < MAX_SEGMENTS) stored.set(key, size);
  return stored;
}

async function countPictures(client: StorageClient, prefix: string): Promise<number> {
  let count = 0;
  for await (const page of client.list({ prefix: `${prefix}_` })) {
    count += page.filter(({ key }) => /_\d{5}\.jpeg$/.test(key)).length;
    if (count >= MAX_PICTURES) break;
  }
  return count;
}

async function part(client: StorageClient, key: string, offset: number, length: number): Promise<Buffer> {
  const range = { start: offset, end: offset + length - 1 };
  const { body } = await client.get(key, { range });
  limitTime(body);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    // a storage that ignores ranges sends everything
    if (bytes >= length) break;
  }
  return Buffer.concat(chunks).subarray(0, length);
}

interface ProbedStream {
  codec_type?: string;
  codec_name?: string;
  width?: number;
  height?: number;
  avg_frame_rate?: string;
}

/** Asks ffprobe about the beginning of a file, which it gets on its standard input: an address would hold a signature. */
async function probe(ffprobe: string, bytes: Buffer): Promise<MediaFacts | undefined> {
  const child = spawn(ffprobe, ['-v', 'error', '-show_streams', '-of', 'json', '-i', 'pipe:0'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: PROBE_MS,
    killSignal: 'SIGKILL',
  });
  // it stops reading when it knows enough
  child.stdin.on('error', () => {});
  child.stdin.end(bytes);
  try {
    const [text] = await Promise.all([child.stdout.setEncoding('utf8').toArray(), once(child, 'close')]);
    const { streams = [] } = JSON.parse(text.join('')) as { streams?: ProbedStream[] };
    const video = streams.find(({ codec_type }) => codec_type === 'video');
    const audio = streams.find(({ codec_type }) => codec_type === 'audio');
    if (video === undefined && audio === undefined) return undefined;
    const [frames = 0, seconds = 0] = (video?.avg_frame_rate ?? '').split('/').map(Number);
    return {
      seconds: null,
      width: video?.width ?? null,
      height: video?.height ?? null,
      videoCodec: video?.codec_name ?? null,
      audioCodec: audio?.codec_name ?? null,
      frameRate: frames > 0 && seconds > 0 ? frames / seconds : null,
    };
  } catch {
    return undefined;
  }
}
