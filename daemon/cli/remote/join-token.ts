import type { Command } from 'commander';
import { createJoinToken } from '#shared/contract/rooms.ts';
import { operationCommand } from './command.ts';

/** `streamhub join-token APP` */
export const command = (): Command =>
  operationCommand('join-token', createJoinToken, {
    summary: 'Make a token that lets someone join a room',
    columns: ['token', 'room', 'identity', 'wsUrl', 'publishUrl', 'playUrl', 'embedUrl'],
  }).addHelpText(
    'after',
    '\nExample:\n  $ streamhub join-token live --room stage --identity ada --no-can-publish --ttl 10m',
  );
