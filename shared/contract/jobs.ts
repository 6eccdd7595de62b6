import { JOBS_KEPT_DAYS } from '../limits.ts';
import { envelope } from '../schema/common.ts';
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
  access: { permission: 'app:read' },
  params: JobParams,
  responses: { 200: envelope(Job) },
  errors: ['JOB_NOT_FOUND'],
});

export const cancelJob = operation({
  id: 'cancelJob',
  method: 'POST',
  path: '/jobs/{id}/cancel',
  tag,
  summary: 'Cancel a job',
  description: 'What it has done stays done; nothing more is begun. A cancelled job answers as it is.',
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
  access: { permission: 'app:delete' },
  params: JobParams,
  responses: { 200: envelope(Job) },
  errors: ['JOB_NOT_FOUND', 'JOB_NOT_RETRYABLE'],
  audit: 'job.retry',
});
