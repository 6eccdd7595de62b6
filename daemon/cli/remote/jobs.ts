import type { Command } from 'commander';
import * as ops from '#shared/contract/jobs.ts';
import { group } from '../usage.ts';
import { operationCommand } from './command.ts';

/** `streamhub jobs …` */
export const command = (): Command =>
  group('jobs', 'List, watch, cancel and retry jobs', [
    operationCommand('ls', ops.listJobs, {
      columns: ['id', 'kind', 'title', 'state', 'app', 'createdAt', 'finishedAt'],
      waits: 'asked',
    }),
    operationCommand('get', ops.getJob, { waits: 'asked' }),
    operationCommand('cancel', ops.cancelJob, { done: ({ id }) => `Cancelled job ${id}.` }),
    operationCommand('retry', ops.retryJob, { waits: 'asked' }),
  ]);
