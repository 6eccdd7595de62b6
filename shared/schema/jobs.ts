import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf, page, paging, RowId } from './common.ts';

const JOB_STATES = ['queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];
const JOB_KINDS = [
  'app-delete',
  'backup-create',
  'backup-restore',
  'backup-verify',
  'configuration-apply',
  'vod-move',
  'vod-transcode',
] as const;
export type JobKind = (typeof JOB_KINDS)[number];

export const JobProgress = object({
  phase: Type.String({ description: 'The current step, as a stable word.', examples: ['objects'] }),
  done: Type.Integer({ minimum: 0, description: 'Finished units.' }),
  total: nullable(Type.Integer({ minimum: 0 }), { description: 'Total units, if known.' }),
  failed: Type.Integer({ minimum: 0, description: 'Units that failed.' }),
  unit: Type.String({ examples: ['objects'] }),
  rate: Type.Optional(Type.Number({ description: 'Of encoding: seconds of video per second.', examples: [3.4] })),
  secondsLeft: Type.Optional(Type.Integer({ description: 'Seconds until the end of this step, as estimated.' })),
});
export type JobProgress = Static<typeof JobProgress>;

export const JobError = Type.Object(
  {
    code: Type.String({ description: 'A code from the list of errors.' }),
    message: Type.String(),
    hint: Type.Optional(Type.String({ description: 'What you can do about it.' })),
  },
  { additionalProperties: true, description: 'Additional keys, as in the error response.' },
);
export type JobError = Static<typeof JobError>;

/** Long work: it reports progress, survives a restart and is kept for a while after its end. */
export const Job = object({
  id: Type.Integer(),
  kind: oneOf(JOB_KINDS, { title: 'JobKind' }),
  title: Type.String({ description: 'Title of the job.' }),
  state: oneOf(JOB_STATES, {
    title: 'JobState',
    description: '`waiting`: an attempt failed; the next one is at `nextRunAt`.',
  }),
  app: nullable(Type.String(), { description: 'Name of its app, which may no longer exist.' }),
  progress: nullable(JobProgress),
  attempts: Type.Integer({ description: 'Number of attempts. Continuing after a restart doesn’t count.' }),
  maxAttempts: nullable(Type.Integer(), {
    description: '`null`: the job is retried, at least once an hour, until it succeeds or is cancelled.',
  }),
  cancellable: Type.Boolean({ description: 'The job can be cancelled now.' }),
  nextRunAt: nullable(Instant),
  result: nullable(Type.Object({}, { additionalProperties: true }), {
    description: 'The result; its fields depend on the kind.',
  }),
  error: nullable(JobError, { description: 'Why the last attempt failed.' }),
  createdBy: Type.String({ description: 'Who started it, e.g. `token:3`.' }),
  createdByLabel: nullable(Type.String(), { description: 'Email address or token name at that time.' }),
  createdAt: Instant,
  startedAt: nullable(Instant),
  updatedAt: Instant,
  finishedAt: nullable(Instant),
});
export type Job = Static<typeof Job>;

export const JobPage = page(Job);
export const JobListQuery = object({
  state: Type.Optional(oneOf([...JOB_STATES, 'active'], { description: '`active`: queued, running or waiting.' })),
  kind: Type.Optional(oneOf(JOB_KINDS)),
  app: Type.Optional(Type.String({ maxLength: 64, description: 'Name of an app.' })),
  ...paging(200, 50),
});
export type JobListQuery = Static<typeof JobListQuery>;

export const JobParams = object({ id: RowId({ description: 'Id of the job.' }) });
