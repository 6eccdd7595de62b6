import { createWriteStream } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Download, downloadLink, type Progress as Received } from '#shared/client/download.ts';
import { UnreachableError } from '#shared/client/errors.ts';
import { getVod } from '#shared/contract/vods.ts';
import { bytes, duration } from '#shared/format.ts';
import { UsageError } from '../exit-codes.ts';
import type { CommonOptions } from './command.ts';
import { type Daemon, withDaemon } from './daemon.ts';
import { formatOf, note, print, printData } from './output.ts';
import { Progress } from './progress.ts';

interface GetOptions extends CommonOptions {
  to?: string;
  force?: boolean;
}

/** Downloads a recording: into `FILE.part`, which becomes FILE when it is whole. A part that is there is continued. */
export async function getRecording(app: string, given: string, options: GetOptions): Promise<void> {
  const id = Number(given);
  if (!Number.isSafeInteger(id) || id < 1)
    throw new UsageError(`${given} is not an id. streamhub recordings ${app} lists them.`);
  await withDaemon(options, async (daemon) => {
    const vod = await daemon.call(getVod, { params: { app, id } });
    const link = vod.downloadUrl ?? vod.url;
    if (link === null)
      throw new Error(
        vod.urlProblem ?? vod.error ?? `The recording ${id} is ${vod.status}: it has no file to download yet.`,
      );
    const name = path.basename(vod.name);
    if (options.to === '-') return toStandardOutput(await start(daemon, link));
    const file = await placeFor(options.to, name);
    if (!options.force && (await sizeOf(file)) !== undefined)
      throw new UsageError(`${file} is there already. Add --force to replace it, or --to to choose another place.`);
    const sizeBytes = await toFile(daemon, link, file);
    if (formatOf(options) !== 'table') return printData({ file, sizeBytes }, options);
    print(`Downloaded ${file} (${bytes(sizeBytes)}).`);
  });
}

async function placeFor(to: string | undefined, name: string): Promise<string> {
  if (to === undefined) return name;
  const isFolder = to.endsWith(path.sep) || (await stat(to).catch(() => undefined))?.isDirectory() === true;
  return isFolder ? path.join(to, name) : to;
}

const sizeOf = async (file: string): Promise<number | undefined> => (await stat(file).catch(() => undefined))?.size;

const start = (daemon: Daemon, link: string, from = 0, etag?: string): Promise<Download> =>
  downloadLink(daemon.http, link, { signal: daemon.signal, from, etag });

async function toStandardOutput(download: Download): Promise<void> {
  await pipeline(Readable.from(download), process.stdout, { end: false });
}

/** @returns bytes of the file */
async function toFile(daemon: Daemon, link: string, file: string): Promise<number> {
  const part = `${file}.part`;
  // what the part belongs to, so that two different files are never joined
  const mark = `${part}.etag`;
  const etag = (await readFile(mark, 'utf8').catch(() => '')) || undefined;
  const from = etag === undefined ? 0 : ((await sizeOf(part)) ?? 0);
  const progress = new Progress();
  const began = Date.now();
  try {
    const download = await begin(daemon, link, from, etag);
    const offset = download.status === 206 ? from : 0;
    if (download.etag !== null) await writeFile(mark, download.etag);
    let received = offset;
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of download) {
        received += chunk.length;
        progress.show(lineOf({ received, total: download.size }, received - offset, began));
        yield chunk;
      }
    };
    await pipeline(Readable.from(counted()), createWriteStream(part, { flags: offset > 0 ? 'a' : 'w' }));
    await rename(part, file);
    await rm(mark, { force: true });
    return received;
  } catch (error) {
    progress.clear();
    if (((await sizeOf(part)) ?? 0) > 0) note(`The part so far is kept in ${part}. Run the command again to continue.`);
    else await Promise.all([rm(part, { force: true }), rm(mark, { force: true })]);
    throw daemon.signal.aborted ? daemon.signal.reason : error;
  } finally {
    progress.clear();
  }
}

/** Continues a part, or begins again if the file has changed. */
async function begin(daemon: Daemon, link: string, from: number, etag: string | undefined): Promise<Download> {
  if (from === 0) return start(daemon, link);
  try {
    return await start(daemon, link, from, etag);
  } catch (error) {
    const isOutdated = error instanceof UnreachableError || (error as { status?: number }).status === 416;
    if (!isOutdated || daemon.signal.aborted) throw error;
    return start(daemon, link);
  }
}

function lineOf({ received, total }: Received, fresh: number, began: number): string {
  const seconds = Math.max(0.001, (Date.now() - began) / 1000);
  const rate = fresh / seconds;
  if (total === null) return `${bytes(received)}, ${bytes(rate)}/s`;
  const left = rate > 0 ? `, ${duration((total - received) / rate)} left` : '';
  return `${Math.floor((100 * received) / Math.max(1, total))} % of ${bytes(total)}, ${bytes(rate)}/s${left}`;
}
