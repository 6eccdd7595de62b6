import { type ReactNode, useMemo } from 'react';
import type { Job } from '../../api/jobs.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { Progress } from '../../ui/data/bar.tsx';
import { duration } from '../../ui/words/format.ts';
import { useNow } from '../../ui/words/now.ts';
import { Time } from '../../ui/words/time.tsx';
import { paceOf, useWatchedJobs } from './job-rates.ts';
import { progressWords } from './job-words.ts';

/** Of the daemon at hand. */
export function JobProgress({ job }: { job: Job }) {
  return <JobProgressOf connectionId={useDaemon().id} job={job} />;
}

/** Bar, counts, rate and time left while it runs; its reason when it failed, and when it is tried again. */
export function JobProgressOf({ connectionId, job }: { connectionId: string; job: Job }) {
  useWatchedJobs(useMemo(() => [{ connectionId, job }], [connectionId, job]));
  const now = useNow();
  const { error, state, progress, nextRunAt, finishedAt } = job;
  if (error && state === 'waiting') {
    return (
      <TwoLines title={error.message} first={error.message}>
        {nextRunAt === null ? null : <NextTry at={nextRunAt} />}
      </TwoLines>
    );
  }
  if (error && state !== 'running') return <span title={error.message}>{error.message}</span>;
  if (progress === null) {
    if (state !== 'running') return null;
    return (
      <TwoLines title="" first={<Progress done={0} total={null} label={`${job.title}: counting`} />}>
        Counting
      </TwoLines>
    );
  }
  const words = progressWords(job, paceOf(connectionId, job, now));
  if (finishedAt !== null) return <span className="dim">{words}</span>;
  return (
    <TwoLines
      title={words}
      first={<Progress done={progress.done} total={progress.total} label={`${job.title}: ${words}`} />}
    >
      {words}
    </TwoLines>
  );
}

/** Counts down to the next attempt. */
export function NextTry({ at }: { at: string }) {
  const wait = (Date.parse(at) - useNow()) / 1000;
  return (
    <Time at={at} className="dim num">
      {wait < 1 ? 'Retrying now' : `Retry in ${duration(wait)}`}
    </Time>
  );
}

function TwoLines({ title, first, children }: { title: string; first: ReactNode; children: ReactNode }) {
  return (
    <span style={{ display: 'block', lineHeight: '15px' }} title={title}>
      <span className="cut" style={{ fontSize: 12.5 }}>
        {first}
      </span>
      <span className="cut dim num" style={{ fontSize: 12, marginTop: 2 }}>
        {children}
      </span>
    </span>
  );
}
