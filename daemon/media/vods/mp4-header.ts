/** What a media file's header says; null = not in the header. */
export interface MediaFacts {
  seconds: number | null;
  /** Pixels. */
  width: number | null;
  height: number | null;
  /** As ffprobe names them, e.g. `h264`, `aac`. */
  videoCodec: string | null;
  audioCodec: string | null;
  /** Frames per second. */
  frameRate: number | null;
}

/** Reads a part of a file; shorter at its end. */
export type ReadPart = (offset: number, length: number) => Promise<Buffer>;

/** A header of a day's recording has 10 MB. */
const MAX_HEADER_BYTES = 64_000_000;
/** Boxes before the header: a file has a handful. */
const MAX_BOXES = 64;
const BOX_HEAD = 16;

const CODECS: Readonly<Record<string, string>> = {
  avc1: 'h264',
  avc3: 'h264',
  hvc1: 'hevc',
  hev1: 'hevc',
  av01: 'av1',
  vp08: 'vp8',
  vp09: 'vp9',
  mp4a: 'aac',
  Opus: 'opus',
  'ac-3': 'ac3',
  '.mp3': 'mp3',
};

interface Box {
  type: string;
  /** Of its content. */
  start: number;
  end: number;
}

/**
 * Reads the header (`moov`) of an MP4 file, wherever in the file it is.
 * Source: ISO/IEC 14496-12. @returns undefined for what is not an MP4 file, or has no usable header
 */
export async function readMp4(read: ReadPart, size: number): Promise<MediaFacts | undefined> {
  for (let at = 0, boxes = 0; at + 8 <= size && boxes < MAX_BOXES; boxes++) {
    const box = boxAt(await read(at, BOX_HEAD), 0, size - at);
    if (box === undefined || (boxes === 0 && box.type !== 'ftyp')) return undefined;
    const length = box.end - box.start;
    if (box.type === 'moov') {
      if (length > MAX_HEADER_BYTES) return undefined;
      const moov = await read(at + box.start, length);
      return moov.length < length ? undefined : factsOf(moov);
    }
    at += box.end;
  }
  return undefined;
}

/** The box at an offset; `limit` is where it has to end. Undefined if it isn't one. */
function boxAt(bytes: Buffer, at: number, limit: number): Box | undefined {
  if (at + 8 > bytes.length) return undefined;
  const size = bytes.readUInt32BE(at);
  const type = bytes.toString('latin1', at + 4, at + 8);
  if (size === 0) return { type, start: at + 8, end: limit };
  if (size !== 1) return size < 8 || at + size > limit ? undefined : { type, start: at + 8, end: at + size };
  if (at + 16 > bytes.length) return undefined;
  const end = at + Number(bytes.readBigUInt64BE(at + 8));
  return end < at + 16 || end > limit ? undefined : { type, start: at + 16, end };
}

/** The boxes within a part of the header. */
function* boxesIn(bytes: Buffer, { start, end }: Pick<Box, 'start' | 'end'>): Generator<Box> {
  for (let at = start; ; ) {
    const box = boxAt(bytes, at, end);
    if (box === undefined || box.end === at) return;
    yield box;
    at = box.end;
  }
}

function find(bytes: Buffer, within: Pick<Box, 'start' | 'end'>, path: string): Box | undefined {
  const [first, ...rest] = path.split('.');
  for (const box of boxesIn(bytes, within)) {
    if (box.type === first) return rest.length === 0 ? box : find(bytes, box, rest.join('.'));
  }
  return undefined;
}

function factsOf(moov: Buffer): MediaFacts {
  const whole = { start: 0, end: moov.length };
  const facts: MediaFacts = {
    seconds: null,
    width: null,
    height: null,
    videoCodec: null,
    audioCodec: null,
    frameRate: null,
  };
  try {
    const lengths = [secondsOf(moov, find(moov, whole, 'mvhd'))];
    for (const track of boxesIn(moov, whole)) {
      if (track.type !== 'trak') continue;
      const seconds = secondsOf(moov, find(moov, track, 'mdia.mdhd'));
      lengths.push(seconds);
      readTrack(moov, track, seconds, facts);
    }
    facts.seconds = lengths.find((seconds) => seconds !== null && seconds > 0) ?? null;
  } catch (error) {
    // a header that promises more than there is; what was read before stays
    if (!(error instanceof RangeError)) throw error;
  }
  return facts;
}

/** Of `mvhd` and `mdhd`, which begin alike. */
function secondsOf(moov: Buffer, box: Box | undefined): number | null {
  if (box === undefined) return null;
  const isLong = moov.readUInt8(box.start) === 1;
  const scale = moov.readUInt32BE(box.start + (isLong ? 20 : 12));
  const length = isLong ? Number(moov.readBigUInt64BE(box.start + 24)) : moov.readUInt32BE(box.start + 16);
  return scale === 0 ? null : length / scale;
}

function readTrack(moov: Buffer, track: Box, seconds: number | null, facts: MediaFacts): void {
  const handler = find(moov, track, 'mdia.hdlr');
  const samples = find(moov, track, 'mdia.minf.stbl.stsd');
  if (handler === undefined || samples === undefined) return;
  const kind = moov.toString('latin1', handler.start + 8, handler.start + 12);
  const entry = boxAt(moov, samples.start + 8, samples.end);
  if (entry === undefined) return;
  const codec = CODECS[entry.type] ?? entry.type.trim().toLowerCase();
  if (kind === 'soun') facts.audioCodec ??= codec;
  if (kind !== 'vide' || facts.videoCodec !== null) return;
  facts.videoCodec = codec;
  facts.width = moov.readUInt16BE(entry.start + 24);
  facts.height = moov.readUInt16BE(entry.start + 26);
  const frames = samplesOf(moov, find(moov, track, 'mdia.minf.stbl.stts'));
  if (frames > 1 && seconds !== null && seconds > 0) facts.frameRate = Math.round((frames / seconds) * 1000) / 1000;
}

/** Samples by `stts`, the table of their lengths. */
function samplesOf(moov: Buffer, box: Box | undefined): number {
  if (box === undefined) return 0;
  const entries = Math.min(moov.readUInt32BE(box.start + 4), (box.end - box.start - 8) / 8);
  let count = 0;
  for (let n = 0; n < entries; n++) count += moov.readUInt32BE(box.start + 8 + 8 * n);
  return count;
}
