import type { Command } from 'commander';
import * as ops from '#shared/contract/cluster.ts';
import { group } from '../usage.ts';
import { type OperationSpec, operationCommand } from './command.ts';
import type { Daemon } from './daemon.ts';

/** The id of a node from its id or name. */
export async function nodeId(daemon: Daemon, given: string): Promise<string> {
  const { data } = await daemon.call(ops.listNodes);
  return (data.find(({ id }) => id === given) ?? data.find(({ name }) => name === given))?.id ?? given;
}

/** People say the name. */
const byName: Pick<OperationSpec, 'resolve'> = {
  resolve: async (daemon, values) => ({ ...values, id: await nodeId(daemon, String(values['id'])) }),
};

/** `streamhub nodes …` */
export const command = (): Command =>
  group('nodes', 'List and change the nodes of the cluster', [
    operationCommand('ls', ops.listNodes, {
      columns: ['id', 'name', 'region', 'status', 'health', 'url', 'last_seen_at'],
    }),
    operationCommand('get', ops.getNode, byName),
    operationCommand('set', ops.updateNode, {
      ...byName,
      without: ['drain', 'status'],
      summary: 'Change the name or the region of a node',
      done: ({ id }) => `Changed ${id}.`,
    }),
    operationCommand('activate', ops.updateNode, {
      ...byName,
      without: ['name', 'region', 'status', 'drain'],
      summary: 'Return a node to service',
      extra: async () => ({ status: 'active' }),
      done: ({ id }) => `${id} is active.`,
    }),
    operationCommand('upgrade', ops.upgradeNode, byName),
    operationCommand('rm', ops.deleteNode, {
      ...byName,
      confirm: ({ id }) => `Remove the node ${id} from the registry?`,
      done: ({ id }) => `Removed ${id}.`,
    }),
    operationCommand('placement', ops.previewPlacement),
    operationCommand('join-code', ops.createJoinCode, {
      summary: 'Create a join code, and print the command that adds a node',
    }),
    operationCommand('join-codes', ops.listJoinCodes),
    operationCommand('revoke-join-code', ops.revokeJoinCode, { done: ({ id }) => `Revoked ${id}.` }),
  ]);
