import { setTimeout as wait } from 'node:timers/promises';
import { getJob } from '#shared/contract/jobs.ts';
import { duration } from '#shared/format.ts';
import type { Job } from '#shared/schema/jobs.ts';
import { EXIT, ExitWith } from '../exit-codes.ts';
import type { Daemon } from './daemon.ts';
import { note } from './output.ts';
import { Progress } from './progress.ts';

const LOOK_MS = 500;
const RUNS: ReadonlySet<Job['state']> = new Set(['queued', 'running', 'waiting']);

/** Waits until a job has succeeded, with its progress on a terminal. Ctrl-C ends the waiting, not the job. @throws ExitWith if it fails */
export async function waitForJob(daemon: Daemon, started: Job): Promise<Job> {
  const progress = new Progress();
  const stopped = (): void => note(`The job continues. To see it: streamhub jobs get ${started.id}`);
  daemon.signal.addEventListener('abort', stopped, { once: true });
  let job = started;
  try {
    while (RUNS.has(job.state)) {
      progress.show(lineOf(job));
      await wait(LOOK_MS, undefined, { signal: daemon.signal });
      ({ data: job } = await daemon.call(getJob, { params: { id: job.id } }));
    }
  } catch (error) {
    throw daemon.signal.aborted ? daemon.signal.reason : error;
  } finally {
    progress.clear();
    daemon.signal.removeEventListener('abort', stopped);
  }
  if (job.state === 'succeeded') return job;
  note(`streamhub: ${job.error?.message ?? 'The job was cancelled.'}`);
  if (job.error?.hint !== undefined) note(`  ${job.error.hint}`);
  note(`  Job ${job.id} (${job.kind}): ${job.state}`);
  throw new ExitWith(EXIT.failed.code);
}

function lineOf({ title, state, progress, error }: Job): string {
  if (state === 'waiting') return `${title}: waits to try again. ${error?.message ?? ''}`;
  if (progress === null) return `${title}: ${state}`;
  const { phase, done, total, unit, secondsLeft } = progress;
  const share = total ? ` ${Math.floor((100 * done) / total)} % (${done} of ${total} ${unit})` : ` ${done} ${unit}`;
  return `${title}: ${phase}${share}${secondsLeft === undefined ? '' : `, ${duration(secondsLeft)} left`}`;
}
