import type { Command } from 'commander';
import * as ops from '#shared/contract/tokens.ts';
import { group } from '../usage.ts';
import { operationCommand } from './command.ts';

/** `streamhub tokens …` */
export const command = (): Command =>
  group('tokens', 'List, create and revoke API tokens', [
    operationCommand('ls', ops.listTokens, {
      columns: ['id', 'name', 'scope', 'appId', 'readOnly', 'expiresAt', 'lastUsedAt', 'revoked'],
    }),
    operationCommand('create', ops.createToken, {
      summary: 'Create an API token and print it. It is shown only now',
      positional: ['name'],
    }),
    operationCommand('revoke', ops.revokeToken, {
      confirm: ({ id }) => `Revoke the token ${id}? Programs that use it are refused from then on.`,
      done: ({ id }) => `Revoked the token ${id}.`,
    }),
  ]);
