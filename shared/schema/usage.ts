import { type Static, Type } from 'typebox';
import { nullable, object } from './common.ts';

const MONTH = {
  month: Type.Optional(
    Type.String({ pattern: '^20\\d\\d-(0[1-9]|1[0-2])$', description: '`YYYY-MM`, in UTC; this month by default.' }),
  ),
};

const AMOUNTS = {
  sessions: Type.Integer({ description: 'Sessions that started.' }),
  sessionMinutes: Type.Number({ description: 'Time that rooms were open, as far as it is known.' }),
  participantMinutes: Type.Number({ description: 'Time of all connections together; counted as in sessions.' }),
  recordedMinutes: Type.Number({ description: 'Length of recordings; one beyond midnight is split.' }),
  storedBytes: nullable(Type.Integer(), {
    description:
      'Recordings and their ladders at the end of the day or of the last known day; null if the daemon did not run then.',
  }),
};

const UsageDay = object({ day: Type.String({ description: '`YYYY-MM-DD`, in UTC.' }), ...AMOUNTS });

export const AppUsage = object({
  app: Type.String(),
  month: Type.String(),
  total: object(AMOUNTS, { title: 'UsageTotal' }),
  days: Type.Array(UsageDay, { description: 'Days up to today, oldest first.' }),
});
export type AppUsage = Static<typeof AppUsage>;

export const MonthUsage = object({
  month: Type.String(),
  apps: Type.Array(object({ app: Type.String(), team: Type.String({ description: 'Id of the team.' }), ...AMOUNTS })),
  teams: Type.Array(object({ team: Type.String(), apps: Type.Integer(), ...AMOUNTS })),
  total: object(AMOUNTS),
  unread: Type.Array(object({ app: Type.String(), team: Type.String() }), {
    description: 'Apps whose database can’t be read; all sums are without them.',
  }),
});
export type MonthUsage = Static<typeof MonthUsage>;

export const NodeUsage = object({
  month: Type.String(),
  nodes: Type.Array(
    object({
      node: Type.String({ description: 'Id of the node.' }),
      sentBytes: Type.Number(),
      receivedBytes: Type.Number(),
      days: Type.Array(object({ day: Type.String(), sentBytes: Type.Number(), receivedBytes: Type.Number() })),
    }),
    { description: 'Nodes with an agent, from what it reports each minute.' },
  ),
});
export type NodeUsage = Static<typeof NodeUsage>;

export const UsageQuery = object(MONTH);
export type UsageQuery = Static<typeof UsageQuery>;
