import { createReadStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { StorageClient } from '#shared/plugin-sdk/storage-provider.ts';
import type { MadeFile, Report } from './work.ts';

const AT_ONCE = 4;
/** Smaller files are sent in one request, which the storage's client can repeat. */
const WHOLE_BYTES = 16 * 1024 * 1024;
/** Files after which the count is noted, so that a later call continues from there. */
const NOTE_AFTER = 16;
const TELL_MS = 500;

/**
 * Puts files into a storage in their order. A playlist comes after what it leads to, so nobody finds half a ladder. What an
 * earlier call has put is not sent again.
 */
export async function uploadFiles(
  client: StorageClient,
  { folder, files, base }: { folder: string; files: readonly MadeFile[]; base: string },
  { report, signal }: { report: Report; signal: AbortSignal },
): Promise<void> {
  const note = path.join(folder, 'uploaded');
  let next = Math.min(files.length, Number(await readFile(note, 'utf8').catch(() => '0')) || 0);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = files.slice(0, next).reduce((sum, { bytes }) => sum + bytes, 0);
  const began = performance.now();
  const doneBefore = done;
  let told = Number.NEGATIVE_INFINITY;
  const tell = () => {
    if (performance.now() - told < TELL_MS) return;
    told = performance.now();
    const rate = (done - doneBefore) / ((performance.now() - began) / 1000);
    const left = rate > 0 ? { secondsLeft: Math.ceil((total - done) / rate) } : {};
    report({ phase: 'upload', done, total, failed: 0, unit: 'bytes', ...left });
  };
  tell();
  while (next < files.length) {
    signal.throwIfAborted();
    // media in parallel, playlists one after the other
    const isPlaylist = (file: MadeFile | undefined) => file?.name.endsWith('.m3u8') ?? false;
    const batch = isPlaylist(files[next]) ? files.slice(next, next + 1) : files.slice(next, next + AT_ONCE);
    await Promise.all(
      batch
        .filter((file) => batch.length === 1 || !isPlaylist(file))
        .map(async (file) => {
          await put(client, path.join(folder, 'out', file.name), `${base}/${file.name}`, file, signal);
          done += file.bytes;
        }),
    );
    const count = batch.length === 1 ? 1 : batch.findIndex(isPlaylist);
    next += count === -1 ? batch.length : count;
    if (next % NOTE_AFTER < AT_ONCE || next === files.length) await writeFile(note, String(next));
    tell();
  }
}

async function put(
  client: StorageClient,
  file: string,
  key: string,
  { bytes, contentType }: MadeFile,
  signal: AbortSignal,
): Promise<void> {
  const body = bytes <= WHOLE_BYTES ? await readFile(file) : createReadStream(file);
  await client.put(key, body, { contentType, contentLength: bytes, signal });
}
