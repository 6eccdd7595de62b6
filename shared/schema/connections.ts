import { type Static, Type } from 'typebox';
import { object, oneOf } from './common.ts';

/** What the daemon works with, beside the storages of apps. */
const CONNECTIONS = ['livekit', 'redis', 'mail'] as const;
export type ConnectionName = (typeof CONNECTIONS)[number];

const CONNECTION_STEPS = ['settings', 'resolve', 'connect', 'signIn', 'use'] as const;
export type ConnectionStepId = (typeof CONNECTION_STEPS)[number];

export const ConnectionParams = object({
  connection: oneOf(CONNECTIONS, { description: 'Which one; `mail` is the SMTP server.' }),
});

export const ConnectionStep = object({
  id: oneOf(CONNECTION_STEPS),
  state: oneOf(['ok', 'failed', 'skipped']),
  message: Type.String({ description: 'What was found, or what went wrong.' }),
  durationMs: Type.Number(),
  cure: Type.Optional(Type.String({ description: 'What can be done about the failure.' })),
});
export type ConnectionStep = Static<typeof ConnectionStep>;

export const ConnectionTest = object({
  connection: oneOf(CONNECTIONS),
  ok: Type.Boolean({ description: 'No step failed.' }),
  steps: Type.Array(ConnectionStep, { description: 'In their order; after a failure the rest is not tried.' }),
});
export type ConnectionTest = Static<typeof ConnectionTest>;
