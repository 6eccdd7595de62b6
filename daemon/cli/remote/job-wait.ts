import { duration } from '#shared/format.ts';
import type { Job } from '#shared/schema/jobs.ts';
import { EXIT, ExitWith } from '../exit-codes.ts';
import type { Daemon } from './daemon.ts';
import { note } from './output.ts';
import { Progress } from './progress.ts';

/** Waits until a job has succeeded. @throws ExitWith if it fails */
export async function waitForJob(daemon: Daemon, started: Job): Promise<Job> {
  const job = await endOfJob(daemon, started);
  if (job.state === 'succeeded') return job;
  note(`streamhub: ${job.error?.message ?? 'The job was cancelled.'}`);
  if (job.error?.hint !== undefined) note(`  ${job.error.hint}`);
  note(`  Job ${job.id} (${job.kind}): ${job.state}`);
  throw new ExitWith(EXIT.failed.code);
}

/** Waits until each job has ended, and says which failed. Those that ended before stay as they are. */
export async function waitForJobs(daemon: Daemon, jobs: readonly Job[]): Promise<{ ended: Job[]; exit: number }> {
  const ended: Job[] = [];
  let exit: number = EXIT.ok.code;
  for (const job of jobs) {
    const now = job.finishedAt === null ? await endOfJob(daemon, job) : job;
    ended.push(now);
    if (now === job || now.state === 'succeeded') continue;
    note(`streamhub: job ${now.id}: ${now.error?.message ?? now.state}`);
    exit = EXIT.failed.code;
  }
  return { ended, exit };
}

/** Waits until a job has ended, with its progress on a terminal. Ctrl-C ends the waiting, not the job. */
export async function endOfJob(daemon: Daemon, started: Job): Promise<Job> {
  const progress = new Progress();
  const stopped = (): void => note(`The job continues. To see it: streamhub jobs get ${started.id}`);
  daemon.signal.addEventListener('abort', stopped, { once: true });
  let job: Job = started;
  try {
    progress.show(lineOf(job));
    job = await (await daemon.hub()).waitForJob(String(started.id), {
      signal: daemon.signal,
      onProgress: (now) => progress.show(lineOf(now)),
    });
  } finally {
    progress.clear();
    daemon.signal.removeEventListener('abort', stopped);
  }
  return job;
}

function lineOf({ title, state, progress, error }: Job): string {
  if (state === 'waiting') return `${title}: waits to try again. ${error?.message ?? ''}`;
  if (progress === null) return `${title}: ${state}`;
  const { phase, done, total, unit, secondsLeft } = progress;
  const share = total ? ` ${Math.floor((100 * done) / total)} % (${done} of ${total} ${unit})` : ` ${done} ${unit}`;
  return `${title}: ${phase}${share}${secondsLeft === undefined ? '' : `, ${duration(secondsLeft)} left`}`;
}
