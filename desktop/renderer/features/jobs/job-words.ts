import type { Job } from '../../api/jobs.ts';
import type { Tone } from '../../ui/feedback/state.tsx';
import { bytes, clock, count, duration } from '../../ui/words/format.ts';
import type { JobPace } from './job-rates.ts';

export const JOB_TONES: Record<Job['state'], Tone> = {
  queued: 'muted',
  running: 'busy',
  waiting: 'warn',
  succeeded: 'ok',
  failed: 'danger',
  cancelled: 'muted',
};

export const JOB_WORDS: Record<Job['state'], string> = {
  queued: 'Queued',
  running: 'Running',
  waiting: 'Retrying',
  succeeded: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

type Progress = NonNullable<Job['progress']>;

/** `1,204 of 9,000 objects, 310/s, 25 s left`. */
export function progressWords(job: Job, { rate, still }: JobPace): string {
  const { progress } = job;
  if (progress === null) return '';
  const { done, total, unit, failed } = progress;
  // nothing was there to be done
  if (total === 0 && done === 0) return '';
  if (progress.rate !== undefined || unit === 'bytes') return mediaWords(progress, still);
  const parts = [total === null ? `${count(done)} ${unit}` : `${count(done)} of ${count(total)} ${unit}`];
  if (failed > 0) parts.push(`${count(failed)} refused`);
  if (still !== undefined) parts.push(`no progress for ${duration(still)}`);
  if (rate !== undefined && rate > 0) {
    parts.push(rate >= 1 ? `${count(Math.round(rate))}/s` : `${count(Math.max(1, Math.round(rate * 60)))}/min`);
    const left = timeLeft(job, rate);
    if (left !== undefined) parts.push(`${duration(left)} left`);
  }
  return parts.join(', ');
}

const PHASES: Readonly<Record<string, string>> = {
  download: 'fetched',
  encode: 'encoded',
  alternate: 'encoded as WebM',
  upload: 'uploaded',
  finish: 'uploaded',
  write: 'written',
  verify: 'verified',
  unpack: 'unpacked',
};

/** `1:20 of 12:00 encoded, 3.4 × real time, 3 min left`; `12 MB of 40 MB uploaded`. */
function mediaWords({ phase, done, total, unit, rate, secondsLeft }: Progress, still: number | undefined): string {
  const amount = unit === 'bytes' ? bytes : clock;
  const parts = [
    `${amount(done)}${total === null ? '' : ` of ${amount(total)}`} ${PHASES[phase] ?? phase}`,
    ...(rate === undefined ? [] : [`${rate.toFixed(1)} × real time`]),
    ...(still === undefined ? [] : [`no progress for ${duration(still)}`]),
    ...(secondsLeft === undefined || secondsLeft === 0 ? [] : [`${duration(secondsLeft)} left`]),
  ];
  return parts.join(', ');
}

/** Seconds left at this rate, if known. */
export function timeLeft({ progress }: Job, rate: number | undefined): number | undefined {
  if (progress?.secondsLeft !== undefined) return progress.secondsLeft;
  if (progress === null || progress.total === null || progress.total <= progress.done || !rate) return undefined;
  return (progress.total - progress.done) / rate;
}

const RESULTS: Readonly<Record<string, string>> = {
  qualities: 'Qualities',
  skipped: 'Skipped',
  s3Deleted: 'Objects deleted',
  s3Failed: 'Objects left',
  localDeleted: 'Files deleted',
  archivedAs: 'Archived as',
  warnings: 'Warnings',
};

/** A job's result in words. Empty and repeated parts are left out. */
export function resultFacts(result: object): Record<string, string> {
  const facts: Record<string, string> = {};
  for (const [key, value] of Object.entries(result) as [string, unknown][]) {
    if (key === 'deleted' || key === 'name' || value === null || (Array.isArray(value) && value.length === 0)) continue;
    const name =
      RESULTS[key] ?? key.replaceAll(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);
    facts[name] = Array.isArray(value)
      ? value.join('; ')
      : typeof value === 'object'
        ? JSON.stringify(value)
        : String(value);
  }
  return facts;
}
