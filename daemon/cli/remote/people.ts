import type { Command } from 'commander';
import { whoAmI } from '#shared/contract/auth.ts';
import * as ops from '#shared/contract/teams.ts';
import { group } from '../usage.ts';
import { type CommonOptions, callAll, operationCommand, remoteCommand } from './command.ts';
import { withDaemon } from './daemon.ts';
import { printData } from './output.ts';

const MEMBERS = ['userId', 'email', 'name', 'role', 'status', 'createdAt'];
const ACCOUNTS = ['id', 'email', 'name', 'isSuperadmin', 'createdAt'];

/** `streamhub people …` */
export const command = (): Command =>
  group('people', 'List, invite and remove people', [
    remoteCommand('ls', 'List the people of your team; with global scope, all accounts')
      .option('-q, --search <text>', 'Part of an e-mail address or name. Only with global scope.')
      .option('--limit <n>', 'Rows to print at most. Only with global scope.', Number)
      .action(list),
    operationCommand('invite', ops.createInvite, { positional: ['email'] }),
    operationCommand('invites', ops.listInvites),
    operationCommand('role', ops.updateMember, {
      positional: ['role'],
      done: ({ userId, role }) => `${userId} is ${role} now.`,
    }),
    operationCommand('rm', ops.removeMember, {
      confirm: ({ userId }) => `Remove ${userId} from your team?`,
      done: ({ userId }) => `Removed ${userId}.`,
    }),
    operationCommand('sign-in-link', ops.createSignInLink, {
      summary: 'Make a one-time sign-in link for someone who lost access',
    }),
    operationCommand('delete-account', ops.deleteUser, {
      confirm: ({ id }) => `Delete the account ${id}?`,
      done: ({ id }) => `Deleted the account ${id}.`,
    }),
  ]);

async function list(options: CommonOptions & { search?: string; limit?: number }): Promise<void> {
  await withDaemon(options, async (daemon) => {
    const { data: me } = await daemon.call(whoAmI);
    if (me.scope !== 'global' && !me.isSuperadmin)
      return printData((await daemon.call(ops.getTeam)).data.members, options, MEMBERS);
    const query = options.search === undefined ? {} : { q: options.search };
    return printData(await callAll(daemon, ops.listUsers, { query }, options.limit), options, ACCOUNTS);
  });
}
