import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { playlistKeys } from '#daemon/apps/storage/playlist-text.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import type { StorageClient } from '#shared/plugin-sdk/storage-provider.ts';
import { wholeBody } from '#shared/plugin-sdk/whole-body.ts';
import { levelOf } from '../live-hls/playlists.ts';
import { UnusableSource } from './failures.ts';
import { type NamedRung, probeArgs } from './ffmpeg-args.ts';
import { bitRates, codecsOf, masterPlaylist, type Rendition, readSegments } from './playlists.ts';
import { runProgram } from './program.ts';
import type { Made, MadeVariant } from './work.ts';

const MAX_PLAYLIST_BYTES = 8_000_000;
const PROBED_BYTES = 4_000_000;
/** Seconds between the begins of two qualities that nobody minds. */
const NEAR_SECONDS = 0.5;
/** A quality that ends this much before the others is not whole. */
const MISSING_SECONDS = 15;

/** Qualities that LiveKit's egress workers have written. */
export interface GatherInput {
  qualities: readonly (NamedRung & { framerate: number; playlist: string })[];
  /** What all keys of the ladder begin with, without a slash at the end. */
  base: string;
  /** Path of ffprobe, where this machine has it. */
  ffprobe: string | undefined;
  /** The job's own folder. */
  folder: string;
}

/**
 * Puts a master playlist over the qualities that egress workers have written beside the recording.
 * @throws UnusableSource when one of them is not whole, StorageError
 */
export async function gatherLadder(client: StorageClient, input: GatherInput, signal: AbortSignal): Promise<Made> {
  const { qualities, base, folder } = input;
  const made: Made = { seconds: 0, files: [], variants: [], notes: [] };
  const renditions: Rendition[] = [];
  const variants: MadeVariant[] = [];
  const begins: number[] = [];
  const lengths: number[] = [];
  await makeFolder(folder);
  for (const quality of qualities) {
    signal.throwIfAborted();
    const { name, playlist, framerate } = quality;
    const text = await readText(client, playlist, signal);
    const scope = path.posix.dirname(playlist);
    const keys = text === null ? [] : playlistKeys(text, { key: playlist, scope });
    const segments = readSegments(text ?? '');
    const sizes = await sizesBelow(client, `${scope}/`, signal);
    const sized = segments.map((one, index) => ({ ...one, bytes: sizes.get(keys[index] ?? '') ?? 0 }));
    if (text === null || segments.length === 0) throw new UnusableSource(`The quality ${name} has no segments.`);
    if (keys.length !== segments.length || sized.some(({ bytes }) => bytes === 0))
      throw new UnusableSource(`Segments of the quality ${name} are missing.`);
    if (!text.includes('#EXT-X-ENDLIST')) throw new UnusableSource(`The quality ${name} was not finished.`);
    const first = Date.parse(/^#EXT-X-PROGRAM-DATE-TIME:(\S+)/m.exec(text)?.[1] ?? '');
    if (Number.isFinite(first)) begins.push(first / 1000);
    lengths.push(segments.reduce((sum, { seconds }) => sum + seconds, 0));
    renditions.push({
      ...{ name, rung: quality, framerate, ...bitRates(sized) },
      codecs: await codecs(client, keys[0] as string, input, quality, signal),
    });
    variants.push({
      ...{ kind: 'rendition', format: 'hls', height: quality.height, bitrateKbps: quality.bitrateKbps },
      name: path.posix.relative(base, playlist),
      bytes: sized.reduce((sum, { bytes }) => sum + bytes, Buffer.byteLength(text)),
      segments: keys.map((key) => path.posix.relative(base, key)),
    });
  }
  made.seconds = Math.max(...lengths);
  const short = qualities.find((_, index) => made.seconds - (lengths[index] as number) > MISSING_SECONDS);
  if (short !== undefined) throw new UnusableSource(`The quality ${short.name} is shorter than the others.`);
  const apart = begins.length < 2 ? 0 : Math.max(...begins) - Math.min(...begins);
  if (apart > NEAR_SECONDS)
    made.notes.push(`The qualities begin up to ${apart.toFixed(1)} s apart, because each has a separate encoder.`);
  const text = masterPlaylist(renditions);
  const name = 'hls/master.m3u8';
  await client.put(`${base}/${name}`, text, { contentType: 'application/vnd.apple.mpegurl', signal });
  made.variants.push(
    {
      ...{ kind: 'master', format: 'hls', height: null, bitrateKbps: null, name },
      ...{ bytes: Buffer.byteLength(text), segments: [] },
    },
    ...variants,
  );
  return made;
}

async function readText(client: StorageClient, key: string, signal: AbortSignal): Promise<string | null> {
  const info = await client.head(key, { signal });
  if (info === null || info.size > MAX_PLAYLIST_BYTES) return null;
  const { body } = await client.get(key, { signal });
  return (await wholeBody(body, MAX_PLAYLIST_BYTES)).toString();
}

async function sizesBelow(client: StorageClient, prefix: string, signal: AbortSignal): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const page of client.list({ prefix, signal })) for (const { key, size } of page) sizes.set(key, size);
  return sizes;
}

/** Read from the first segment; without ffprobe as what was asked for. */
async function codecs(
  client: StorageClient,
  key: string,
  { ffprobe, folder }: GatherInput,
  quality: NamedRung & { framerate: number },
  signal: AbortSignal,
): Promise<string> {
  if (ffprobe !== undefined) {
    const file = path.join(folder, 'segment.ts');
    const { body } = await client.get(key, { range: { start: 0, end: PROBED_BYTES - 1 }, signal });
    await writeFile(file, await wholeBody(body, PROBED_BYTES));
    const found = codecsOf(await runProgram(ffprobe, probeArgs('mpegts', file), { signal }));
    await rm(file, { force: true });
    if (found !== '') return found;
  }
  return `avc1.6400${levelOf(quality, quality.framerate)},mp4a.40.2`;
}
