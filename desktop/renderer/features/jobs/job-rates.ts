import { useEffect } from 'react';
import type { Job } from '../../api/jobs.ts';

/** Milliseconds of progress that a rate is taken over. */
const WINDOW = 30_000;
/** After this long without progress it is said. */
const STILL_AFTER = 15_000;

/** A rate over less than this is noise, milliseconds. */
const SHORTEST = 250;

interface Sample {
  at: number;
  done: number;
}
const samples = new Map<string, Sample[]>();

/** A job's progress as this page observed it. The daemon's clock and the pauses between attempts don't count. */
function note(key: string, done: number, at: number): void {
  const known = samples.get(key) ?? [];
  const last = known.at(-1);
  if (last !== undefined && done === last.done) return;
  // started again
  const kept = last !== undefined && done < last.done ? [] : known.filter((one) => at - one.at <= WINDOW);
  samples.set(key, [...kept, { at, done }]);
}

export interface JobPace {
  /** Units per second, as far as it was watched. */
  rate: number | undefined;
  /** Seconds since the last progress, when that is long ago. */
  still: number | undefined;
}

/** How fast a job is: as it was watched, else on average since it was begun. */
export function paceOf(connectionId: string, job: Job, now: number): JobPace {
  const { progress, startedAt, attempts, state } = job;
  if (progress === null || state !== 'running') return { rate: undefined, still: undefined };
  const known = samples.get(`${connectionId}:${job.id}`) ?? [];
  const [first, last] = [known[0], known.at(-1)];
  const quiet = last === undefined ? 0 : now - last.at;
  if (quiet > STILL_AFTER) return { rate: undefined, still: quiet / 1000 };
  if (first !== undefined && last !== undefined && last.at - first.at >= SHORTEST) {
    return { rate: ((last.done - first.done) / (last.at - first.at)) * 1000, still: undefined };
  }
  // an average over attempts would count the waiting between them
  const seconds = startedAt === null || attempts > 1 ? 0 : (Date.parse(job.updatedAt) - Date.parse(startedAt)) / 1000;
  return { rate: seconds >= 2 ? progress.done / seconds : undefined, still: undefined };
}

/** Watches the progress of jobs for as long as they are shown. */
export function useWatchedJobs(jobs: readonly { connectionId: string; job: Job }[]): void {
  useEffect(() => {
    for (const { connectionId, job } of jobs) {
      const key = `${connectionId}:${job.id}`;
      if (job.state !== 'running') samples.delete(key);
      else if (job.progress !== null) note(key, job.progress.done, Date.now());
    }
  });
}
