import { type Static, Type } from 'typebox';
import { object, oneOf } from './common.ts';

/** What the daemon works with, beside the storages of apps. */
export const CONNECTIONS = ['livekit', 'redis', 'mail'] as const;
export type ConnectionName = (typeof CONNECTIONS)[number];

const CONNECTION_STEPS = ['settings', 'resolve', 'connect', 'signIn', 'use'] as const;
export type ConnectionStepId = (typeof CONNECTION_STEPS)[number];

export const ConnectionParams = object({
  connection: oneOf(CONNECTIONS, {
    title: 'ConnectionId',
    description: 'The connection to test; `mail` is the SMTP server.',
  }),
});

export const ConnectionStep = object({
  id: oneOf(CONNECTION_STEPS),
  state: oneOf(['ok', 'failed', 'skipped'], { title: 'TestStepState' }),
  message: Type.String({ description: 'The result, or what went wrong.' }),
  durationMs: Type.Number(),
  cure: Type.Optional(Type.String({ description: 'What you can do about the failure.' })),
});
export type ConnectionStep = Static<typeof ConnectionStep>;

export const ConnectionTest = object({
  connection: oneOf(CONNECTIONS),
  ok: Type.Boolean({ description: 'No step failed.' }),
  steps: Type.Array(ConnectionStep, { description: 'In order. After a failure the remaining steps are skipped.' }),
});
export type ConnectionTest = Static<typeof ConnectionTest>;
