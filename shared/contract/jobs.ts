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
  description: `Shows the jobs of your apps and team; global credentials see all. Finished jobs are kept for ${JOBS_KEPT_DAYS} days.`,
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
  description: 'Has an ETag. With `If-None-Match` the answer is 304 while nothing has changed.',
  access: { permission: 'app:read' },
  params: JobParams,
  headers: object({
    'if-none-match': Type.Optional(Type.String({ description: 'ETag of the job that you already have.' })),
  }),
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
    'Stops the job before its next step. Finished steps are not undone; `result` lists them. Returns 409 if the job finished before it could stop. A job that is already cancelled is returned unchanged.',
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
  summary: 'Run a failed, cancelled or waiting job again now',
  description:
    'Restores what the job needs first: for example, an app whose deletion is retried rejects changes again, and a cancelled backup is listed again. The Location header contains the address of the job.',
  access: { permission: 'app:delete' },
  params: JobParams,
  responses: { 200: envelope(Job) },
  errors: ['JOB_NOT_FOUND', 'JOB_NOT_RETRYABLE', 'JOB_OUTDATED', 'BACKUP_BUSY', 'PLAN_OUTDATED'],
  audit: 'job.retry',
});
