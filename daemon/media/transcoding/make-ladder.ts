import { createHash } from 'node:crypto';
import { readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { bitrateFor, type Rung, rungOf, rungsWithin } from '#shared/delivery/ladder.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import type { StorageClient } from '#shared/plugin-sdk/storage-provider.ts';
import { NoSpace, UnusableSource } from './failures.ts';
import { fetchSource, type LocalSource } from './fetch-source.ts';
import {
  type Encoder,
  ladderArgs,
  type NamedRung,
  namedRungs,
  probeArgs,
  renditionNames,
  webmArgs,
} from './ffmpeg-args.ts';
import { bitRates, codecsOf, masterPlaylist, mediaPlaylist, readSegments, type Segment } from './playlists.ts';
import { ProgramError, runProgram } from './program.ts';
import { ratio, readProbe, type SourceFacts } from './source.ts';
import {
  expectedBytes,
  type Made,
  type MadeFile,
  type MadeVariant,
  type Report,
  type TranscodingInput,
  type WorkState,
} from './work.ts';

/** Bytes of the disk that are left for everything else. */
const RESERVE_BYTES = 256 * 1024 * 1024;
const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';

export interface MakeDeps {
  open(): Promise<StorageClient>;
  report: Report;
  signal: AbortSignal;
}

/**
 * Makes what the plan asks of one recording, in the job's own folder. A later call continues where a killed one was: at the
 * first segment that not every rung has.
 * @throws UnusableSource, NoSpace, ProgramError, StorageError
 */
export class LadderMaker {
  readonly #input: TranscodingInput;
  readonly #deps: MakeDeps;
  #state: WorkState;

  constructor(input: TranscodingInput, deps: MakeDeps) {
    this.#input = input;
    this.#deps = deps;
    const id = createHash('sha256')
      .update(JSON.stringify([input.source, input.plan]))
      .digest('hex');
    this.#state = { id, runs: [], hasWebm: false, hasLadder: false };
  }

  async make(): Promise<Made> {
    const { folder, source, plan } = this.#input;
    await this.#restore();
    if (this.#state.made !== undefined) return this.#state.made;
    const { report, signal, open } = this.#deps;
    const checkSpace = (bytes: number) => this.#checkSpace(bytes);
    const local = await fetchSource(source, { folder, report, signal, open, checkSpace });
    const facts = await this.#probe(local);
    const rungs = facts.size === null ? [] : namedRungs(rungsWithin(plan.rungs, facts.size));
    const webmRung = facts.size === null ? null : (rungs[0] ?? ownRung(facts.size));
    const notes: string[] = [];
    const made: Made = { seconds: facts.seconds, files: [], variants: [], notes };
    if (plan.hasLadder) {
      await this.#ladder(local, facts, rungs, notes);
      await this.#describeLadder(facts, rungs, made);
    }
    if (plan.hasVp8) await this.#webm(local, facts, webmRung, made);
    this.#state.made = made;
    await this.#keep();
    return made;
  }

  async #restore(): Promise<void> {
    const { folder } = this.#input;
    const text = await readFile(this.#stateFile, 'utf8').catch(() => '{}');
    const known = JSON.parse(text) as Partial<WorkState>;
    if (known.id === this.#state.id) this.#state = known as WorkState;
    else {
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
      await makeFolder(folder);
      await this.#keep();
    }
  }

  get #stateFile(): string {
    return path.join(this.#input.folder, 'state.json');
  }

  async #keep(): Promise<void> {
    await writeFile(`${this.#stateFile}.part`, JSON.stringify(this.#state));
    await rename(`${this.#stateFile}.part`, this.#stateFile);
  }

  async #probe({ path: file, demuxer }: LocalSource): Promise<SourceFacts> {
    const facts = readProbe(await this.#run('ffprobe', probeArgs(demuxer, file)));
    if (facts === null) throw new UnusableSource('There is neither video nor sound in the recording.');
    return facts;
  }

  async #ladder(local: LocalSource, source: SourceFacts, rungs: readonly NamedRung[], notes: string[]): Promise<void> {
    if (this.#state.hasLadder) return;
    const { plan, threads } = this.#input;
    const { segmentSeconds } = plan;
    for (const name of renditionNames(rungs)) await makeFolder(this.#out('hls', name), 0o777);
    const from = rungs.length === 0 ? 0 : await this.#complete(rungs);
    const rest = 1 - Math.min(1, (from * segmentSeconds) / source.seconds);
    await this.#checkSpace(expectedBytes(source.seconds, rungs, plan.hasVp8 ? (rungs[0] ?? null) : null) * rest);
    this.#state.runs = [...this.#state.runs.filter((earlier) => earlier < from), from];
    await this.#keep();
    const encode = async (encoder: Encoder) => {
      const args = ladderArgs({
        demuxer: local.demuxer,
        input: local.path,
        source,
        rungs,
        segmentSeconds,
        encoder,
        threads,
        from,
        folder: this.#out('hls'),
        playlistOf: (name) => this.#runPlaylist(from, name),
      });
      await this.#run('ffmpeg', args, this.#follow('encode', source, from * segmentSeconds));
    };
    try {
      await encode(plan.encoder);
    } catch (error) {
      if (plan.encoder === 'none' || !(error instanceof ProgramError)) throw error;
      this.#deps.signal.throwIfAborted();
      notes.push(`The GPU did not encode it (${error.message}), so the CPU did.`);
      await encode('none');
    }
    this.#state.hasLadder = true;
    await this.#keep();
  }

  /** How many segments every rung has, from the playlists of earlier runs. */
  async #complete(rungs: readonly NamedRung[]): Promise<number> {
    const last = this.#state.runs.at(-1);
    if (last === undefined) return 0;
    const counts = await Promise.all(
      rungs.map(async ({ name }) => readSegments(await readText(this.#runPlaylist(last, name))).length),
    );
    return last + Math.min(...counts);
  }

  #runPlaylist(from: number, name: string): string {
    return path.join(this.#input.folder, `run-${from}-${name}.m3u8`);
  }

  async #describeLadder(source: SourceFacts, rungs: readonly NamedRung[], made: Made): Promise<void> {
    const playlists: MadeFile[] = [];
    const renditions = [];
    const variants: MadeVariant[] = [];
    const names = renditionNames(rungs);
    const listed = await Promise.all(names.map((name) => this.#sizedSegments(name)));
    // each start of ffprobe takes longer than its reading
    const probed = await Promise.all(
      names.map((name, index) =>
        this.#run(
          'ffprobe',
          probeArgs('mpegts', this.#out('hls', name, (listed[index] as SizedSegment[])[0]?.name ?? '')),
        ),
      ),
    );
    for (const [index, name] of names.entries()) {
      const rung = rungs[index] ?? null;
      const sized = listed[index] as SizedSegment[];
      const codecs = codecsOf(probed[index] as string);
      renditions.push({ name, rung, codecs, framerate: ratio(source.framerate), ...bitRates(sized) });
      const files = sized.map(({ name: file, bytes }) => ({
        name: `hls/${name}/${file}`,
        bytes,
        contentType: 'video/mp2t',
      }));
      made.files.push(...files);
      const playlist = await this.#write(`hls/${name}/index.m3u8`, mediaPlaylist(sized));
      playlists.push(playlist);
      variants.push({
        kind: 'rendition',
        format: 'hls',
        height: rung?.height ?? null,
        bitrateKbps: rung?.bitrateKbps ?? null,
        name: playlist.name,
        bytes: files.reduce((sum, { bytes }) => sum + bytes, playlist.bytes),
        segments: files.map((file) => file.name),
      });
    }
    const master = await this.#write('hls/master.m3u8', masterPlaylist(renditions));
    made.files.push(...playlists, master);
    const { name, bytes } = master;
    made.variants.push(
      { kind: 'master', format: 'hls', height: null, bitrateKbps: null, name, bytes, segments: [] },
      ...variants,
    );
  }

  async #sizedSegments(name: string): Promise<SizedSegment[]> {
    const segments = await this.#segmentsOf(name);
    const sized = await Promise.all(
      segments.map(async (one) => ({ ...one, bytes: (await stat(this.#out('hls', name, one.name))).size })),
    );
    return sized.length === 0 || sized.some(({ bytes }) => bytes === 0) ? this.#beginAgain() : sized;
  }

  /** Segments of one rung over all runs. */
  async #segmentsOf(name: string): Promise<Segment[]> {
    const { runs } = this.#state;
    const found: Segment[] = [];
    for (const [index, from] of runs.entries()) {
      const listed = readSegments(await readText(this.#runPlaylist(from, name)));
      const used = listed.slice(0, (runs[index + 1] ?? Number.POSITIVE_INFINITY) - from);
      found.push(...used.map((one, number) => ({ ...one, isDiscontinuous: number === 0 && index > 0 })));
    }
    return found;
  }

  /** A power cut can leave empty files behind what was noted. */
  async #beginAgain(): Promise<never> {
    await rm(this.#input.folder, { recursive: true, force: true, maxRetries: 5 });
    throw new Error('segments of an earlier run are damaged');
  }

  async #webm(local: LocalSource, source: SourceFacts, rung: Rung | null, made: Made): Promise<void> {
    const name = 'vp8.webm';
    const file = this.#out(name);
    if (!this.#state.hasWebm) {
      await makeFolder(this.#out(), 0o777);
      if (!this.#input.plan.hasLadder) await this.#checkSpace(expectedBytes(source.seconds, [], rung));
      const { threads } = this.#input;
      const args = webmArgs({ ...{ demuxer: local.demuxer, input: local.path, source, rung, threads }, output: file });
      await this.#run('ffmpeg', args, this.#follow('alternate', source, 0));
      this.#state.hasWebm = true;
      await this.#keep();
    }
    const { size: bytes } = await stat(file);
    made.files.push({ name, bytes, contentType: rung === null ? 'audio/webm' : 'video/webm' });
    const { height = null, bitrateKbps = null } = rung ?? {};
    made.variants.push({ kind: 'alternate', format: 'webm', height, bitrateKbps, name, bytes, segments: [] });
  }

  /** Reads `-progress` of ffmpeg: frames for video, because its time counts from the first frame of the run. */
  #follow(phase: string, source: SourceFacts, startsAt: number): (line: string) => void {
    const began = performance.now();
    const framerate = source.size === null ? 0 : ratio(source.framerate);
    const total = Math.ceil(source.seconds);
    let seconds = 0;
    return (line) => {
      const [key, value = ''] = line.split('=');
      const number = Number(value);
      if (key === 'frame' && framerate > 0) seconds = number / framerate;
      if (key === 'out_time_us' && framerate === 0 && number > 0) seconds = number / 1e6;
      if (key !== 'progress') return;
      const rate = seconds / ((performance.now() - began) / 1000);
      const left = Math.max(0, source.seconds - startsAt - seconds);
      this.#deps.report({
        phase,
        done: Math.min(total, Math.floor(startsAt + seconds)),
        total,
        failed: 0,
        unit: 'seconds',
        rate: Math.round(rate * 100) / 100,
        ...(rate > 0 ? { secondsLeft: Math.ceil(left / rate) } : {}),
      });
    };
  }

  async #run(which: 'ffmpeg' | 'ffprobe', args: readonly string[], onLine?: (line: string) => void): Promise<string> {
    const { programs, folder, lowered } = this.#input;
    const { signal } = this.#deps;
    try {
      return await runProgram(programs[which], args, { signal, lowered, ...(onLine ? { onLine } : {}) });
    } catch (error) {
      if (error instanceof ProgramError && (await freeBytes(folder)) < RESERVE_BYTES / 8) throw new NoSpace(0);
      throw error;
    }
  }

  async #checkSpace(bytes: number): Promise<void> {
    const missing = bytes + RESERVE_BYTES - (await freeBytes(this.#input.folder));
    if (missing > 0) throw new NoSpace(bytes);
  }

  async #write(name: string, text: string): Promise<MadeFile> {
    await writeFile(this.#out(name), text);
    return { name, bytes: Buffer.byteLength(text), contentType: PLAYLIST_TYPE };
  }

  #out(...parts: string[]): string {
    return path.join(this.#input.folder, 'out', ...parts);
  }
}

type SizedSegment = Segment & { bytes: number };

/** A rung of the source's own size. */
function ownRung(size: { width: number; height: number }): Rung {
  const lines = Math.min(size.width, size.height);
  return rungsWithin([], size)[0] ?? rungOf(lines, bitrateFor(lines));
}

const readText = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
