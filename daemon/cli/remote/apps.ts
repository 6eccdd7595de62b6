import type { Command } from 'commander';
import * as ops from '#shared/contract/apps.ts';
import { group } from '../usage.ts';
import { operationCommand } from './command.ts';

/** `streamhub apps …` */
export const command = (): Command =>
  group('apps', 'List, create and delete apps', [
    operationCommand('ls', ops.listApps, { columns: ['name', 'displayName', 'livekitRoomPrefix', 'createdAt'] }),
    operationCommand('get', ops.getApp),
    operationCommand('create', ops.createApp, {
      positional: ['name'],
      done: ({ name }) => `Created ${name}.`,
    }),
    operationCommand('rm', ops.deleteApp, {
      confirm: ({ name }) => `Delete the app ${name}?`,
      waits: 'always',
      done: ({ name }) => `Deleted ${name}.`,
    }),
    operationCommand('sizes', ops.getAppSizes),
  ]);
