import { Popover, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { useJobsUnderWay } from '../api/jobs.ts';
import { useConnections } from '../daemon/connections.ts';
import { useMaybeDaemon } from '../daemon/daemon-context.tsx';
import { GoTo } from '../daemon/links.tsx';
import { JobProgressOf } from '../features/jobs/job-progress.tsx';
import { paceOf, useWatchedJobs } from '../features/jobs/job-rates.ts';
import { JOB_TONES, JOB_WORDS, timeLeft } from '../features/jobs/job-words.ts';
import { Shape, State } from '../ui/feedback/state.tsx';
import { duration, plural } from '../ui/words/format.ts';
import { useNow } from '../ui/words/now.ts';
import classes from './jobs-tray.module.css';

const LISTED = 6;

/** Long work that is under way, wherever one is: how much and how far; pressed, each job with its rate and time left. */
export function JobsTray() {
  const jobs = useJobsUnderWay();
  useWatchedJobs(jobs);
  const now = useNow();
  const daemon = useMaybeDaemon();
  const connections = useConnections((state) => state.list);
  const [isOpen, setOpen] = useState(false);
  if (jobs.length === 0) return null;
  const counted = jobs.flatMap(({ job }) => (job.state !== 'waiting' && job.progress?.total ? [job.progress] : []));
  const total = counted.reduce((sum, one) => sum + (one.total ?? 0), 0);
  const done = counted.reduce((sum, one) => sum + one.done, 0);
  const lefts = jobs.map(({ connectionId, job }) => timeLeft(job, paceOf(connectionId, job, now).rate) ?? 0);
  const left = Math.max(...lefts);
  const isWaiting = jobs.every(({ job }) => job.state === 'waiting');
  return (
    <Popover
      opened={isOpen}
      onChange={setOpen}
      position="top-end"
      offset={12}
      width={380}
      shadow="md"
      trapFocus
      returnFocus
    >
      <Popover.Target>
        <UnstyledButton className={classes.button} onClick={() => setOpen(!isOpen)}>
          <Shape tone={isWaiting ? 'warn' : 'busy'} />
          {plural(jobs.length, 'job')}
          {total === 0 ? null : ` ${Math.floor((done / total) * 100)} %`}
          {left > 0 ? <span className="dim">{duration(left)} left</span> : null}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown p={0}>
        <ul className={classes.list}>
          {jobs.slice(0, LISTED).map(({ connectionId, job }) => (
            <li key={`${connectionId}:${job.id}`}>
              <div className={classes.line}>
                <GoTo
                  to={`${daemon === undefined ? `/d/${connectionId}` : ''}/jobs`}
                  search={{ job: String(job.id) }}
                  className="cut"
                  title={job.title}
                  onClick={() => setOpen(false)}
                >
                  {job.title}
                </GoTo>
                <span className={classes.state}>
                  <State tone={JOB_TONES[job.state]}>{JOB_WORDS[job.state]}</State>
                </span>
              </div>
              {daemon === undefined ? (
                <div className="dim cut">on {connections.find(({ id }) => id === connectionId)?.name}</div>
              ) : null}
              <JobProgressOf connectionId={connectionId} job={job} />
            </li>
          ))}
        </ul>
        {daemon === undefined ? null : (
          <div className={classes.foot}>
            <GoTo to="/jobs" onClick={() => setOpen(false)}>
              {jobs.length > LISTED ? `Show all ${jobs.length} jobs` : 'Show all jobs'}
            </GoTo>
          </div>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}
