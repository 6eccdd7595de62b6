import type { Command } from 'commander';
import * as ops from '#shared/contract/ingress.ts';
import { group } from '../usage.ts';
import { operationCommand } from './command.ts';

/** `streamhub ingests …` */
export const command = (): Command =>
  group('ingests', 'List and change the ingests of an app: RTMP, WHIP and sources that are fetched', [
    operationCommand('ls', ops.listIngress, {
      columns: ['id', 'type', 'name', 'room', 'participant', 'status', 'enabled', 'url'],
    }),
    operationCommand('get', ops.getIngress),
    operationCommand('create', ops.createIngress, { positional: ['type'] }),
    operationCommand('key', ops.getIngressKey, { summary: 'Print the address and the stream key for an encoder' }),
    operationCommand('set', ops.updateIngress, { done: ({ id }) => `Changed the ingest ${id}.` }),
    operationCommand('rm', ops.deleteIngress, {
      confirm: ({ id }) => `Delete the ingest ${id}? Its encoder is disconnected.`,
      done: ({ id }) => `Deleted the ingest ${id}.`,
    }),
  ]);
