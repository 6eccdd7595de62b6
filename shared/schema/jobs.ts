import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf, page, paging, RowId } from './common.ts';

const JOB_STATES = ['queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];
const JOB_KINDS = ['app-delete'] as const;
export type JobKind = (typeof JOB_KINDS)[number];

export const JobProgress = object({
  phase: Type.String({ description: 'What is being done now, as a stable word.', examples: ['objects'] }),
  done: Type.Integer({ minimum: 0, description: 'Units finished.' }),
  total: nullable(Type.Integer({ minimum: 0 }), { description: 'Units in all, where known.' }),
  failed: Type.Integer({ minimum: 0, description: 'Units that were tried and refused.' }),
  unit: Type.String({ examples: ['objects'] }),
});
export type JobProgress = Static<typeof JobProgress>;

export const JobError = Type.Object(
  {
    code: Type.String({ description: 'A code of the error table.' }),
    message: Type.String(),
  },
  { additionalProperties: true, description: 'Further keys as in the error’s own answer.' },
);
export type JobError = Static<typeof JobError>;

/** Long work: it reports progress, survives a restart and is kept for a while after its end. */
export const Job = object({
  id: Type.Integer(),
  kind: oneOf(JOB_KINDS),
  title: Type.String({ description: 'What it does, for people.' }),
  state: oneOf(JOB_STATES, { description: '`waiting`: an attempt failed and the next one comes at `nextRunAt`.' }),
  app: nullable(Type.String(), { description: 'Name of the app it works on; the app may be gone by now.' }),
  progress: nullable(JobProgress),
  attempts: Type.Integer({ description: 'Attempts begun, a continuation after a restart not counted.' }),
  maxAttempts: Type.Integer(),
  cancellable: Type.Boolean({ description: 'It can be cancelled now.' }),
  nextRunAt: nullable(Instant),
  result: nullable(Type.Object({}, { additionalProperties: true }), { description: 'What came of it, by kind.' }),
  error: nullable(JobError, { description: 'Why the last attempt failed.' }),
  createdBy: Type.String({ description: 'Who asked for it, e.g. `token:3`.' }),
  createdByLabel: nullable(Type.String(), { description: 'Their address or the token’s name, as it was then.' }),
  createdAt: Instant,
  startedAt: nullable(Instant),
  updatedAt: Instant,
  finishedAt: nullable(Instant),
});
export type Job = Static<typeof Job>;

export const JobPage = page(Job);
export const JobListQuery = object({
  state: Type.Optional(oneOf([...JOB_STATES, 'active'], { description: '`active` = queued, running or waiting.' })),
  kind: Type.Optional(oneOf(JOB_KINDS)),
  app: Type.Optional(Type.String({ maxLength: 64, description: 'Name of an app.' })),
  ...paging(200, 50),
});
export type JobListQuery = Static<typeof JobListQuery>;

export const JobParams = object({ id: RowId({ description: 'Id of the job.' }) });
