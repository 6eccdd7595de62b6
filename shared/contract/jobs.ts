import { Type } from 'typebox';
import { JOBS_KEPT_DAYS } from '../limits.ts';
import { envelope, object } from '../schema/common.ts';
import { Job, JobListQuery, JobPage, JobParams } from '../schema/jobs.ts';
import { operation } from './operation.ts';

const tag = 'Jobs';

export const listJobs = operation({
  id: 'listJobs',
  method: 'GET',
  path: '/jobs',
  tag,
  summary: 'List jobs, newest first',
  description: `Those of the caller’s own apps and team; a global credential sees all. Finished jobs are kept for ${JOBS_KEPT_DAYS} days.`,
  access: { permission: 'app:read' },
  query: JobListQuery,
  responses: { 200: JobPage },
});

export const getJob = operation({
  id: 'getJob',
  method: 'GET',
  path: '/jobs/{id}',
  tag,
  summary: 'Get one job with its progress',
  description: 'The answer has an ETag; with `If-None-Match` it is 304 while nothing has changed.',
  access: { permission: 'app:read' },
  params: JobParams,
  headers: object({ 'if-none-match': Type.Optional(Type.String({ description: 'ETag of the job as you know it.' })) }),
  responses: { 200: envelope(Job) },
  errors: ['JOB_NOT_FOUND'],
});

export const cancelJob = operation({
  id: 'cancelJob',
  method: 'POST',
  path: '/jobs/{id}/cancel',
  tag,
  summary: 'Cancel a job',
  description:
    'What it has done stays done, and `result` says what that is; nothing more is begun. A job that finished before it could stop is 409. A cancelled job is returned as it is.',
  access: { permission: 'app:delete' },
  params: JobParams,
  responses: { 200: envelope(Job) },
  errors: ['JOB_NOT_FOUND', 'JOB_NOT_CANCELLABLE'],
  audit: 'job.cancel',
});

export const retryJob = operation({
  id: 'retryJob',
  method: 'POST',
  path: '/jobs/{id}/retry',
  tag,
  summary: 'Run a failed, cancelled or waiting job again, now',
  description:
    'What the job needs is established again first: an app whose deletion is retried takes no changes from then on. The header Location names the job to follow.',
  access: { permission: 'app:delete' },
  params: JobParams,
  responses: { 200: envelope(Job) },
  errors: ['JOB_NOT_FOUND', 'JOB_NOT_RETRYABLE', 'JOB_OUTDATED'],
  audit: 'job.retry',
});
