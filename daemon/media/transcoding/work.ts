import type { Rung } from '#shared/delivery/ladder.ts';
import type { VodPlan } from '#shared/delivery/plan.ts';
import type { JobProgress } from '#shared/schema/jobs.ts';

/** The recording that a ladder is made of. */
export type TranscodingSource =
  /** In the app's folder; absolute. */
  | { kind: 'file'; path: string; name: string }
  /** In a storage. */
  | { kind: 'object'; key: string }
  /** A playlist with segments, in a storage or the app's folder. */
  | { kind: 'playlist'; key: string; folder: string | null };

/** The worker's input. */
export interface TranscodingInput {
  programs: { ffmpeg: string; ffprobe: string };
  /** Command that lowers the priority, in front of ffmpeg. */
  lowered: readonly string[];
  plan: VodPlan;
  /** Threads of ffmpeg; 0 = as it chooses. */
  threads: number;
  source: TranscodingSource;
  /** The job's own folder, absolute. What an earlier process left in it is used. */
  folder: string;
}

/** A file of the result. */
export interface MadeFile {
  /** Below the ladder's own folder and below the work folder, e.g. `hls/720p/seg_00000.ts`. */
  name: string;
  bytes: number;
  contentType: string;
}

/** A row of `vod_variants` to come. */
export interface MadeVariant {
  kind: 'master' | 'rendition' | 'alternate';
  format: 'hls' | 'webm';
  height: number | null;
  bitrateKbps: number | null;
  /** Name of its playlist or file. */
  name: string;
  /** Of everything that belongs to it. */
  bytes: number;
  /** Names of its segments. */
  segments: string[];
}

/** What was made. Files are in the order of the upload: a playlist after what it leads to. */
export interface Made {
  seconds: number;
  files: MadeFile[];
  variants: MadeVariant[];
  /** What differs from the plan, for people. */
  notes: string[];
}

/** What an earlier attempt of the same work can be used for. */
export interface WorkState {
  /** Of the source and the plan; another one makes the work begin again. */
  id: string;
  /** Numbers of the first segments of each run of ffmpeg. */
  runs: number[];
  hasLadder: boolean;
  hasWebm: boolean;
  /** Files uploaded, in the order of `Made.files`. */
  made?: Made;
}

export type Report = (progress: JobProgress) => void;

/** Bytes that the result takes at most, roughly. */
export function expectedBytes(seconds: number, rungs: readonly Rung[], webm: Rung | null): number {
  const kbps = [...rungs, ...(webm === null ? [] : [webm])].reduce(
    (sum, rung) => sum + rung.bitrateKbps + rung.audioKbps,
    0,
  );
  // the segments' own format takes a tenth
  return Math.ceil(((kbps * 1000) / 8) * seconds * 1.1);
}
