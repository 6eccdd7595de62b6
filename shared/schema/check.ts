import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf } from './common.ts';

const text = (description: string) => Type.String({ description });

/** What checks are about, for people, in the order in which they are shown. */
export const CHECK_GROUPS = {
  machine: 'Machine',
  files: 'Files',
  addresses: 'Addresses',
  livekit: 'LiveKit',
  services: 'Redis and mail',
  storage: 'Storage',
  nodes: 'Nodes',
  alerts: 'Open incidents',
} as const;
export type CheckGroup = keyof typeof CHECK_GROUPS;
export const CHECK_GROUP_IDS = Object.keys(CHECK_GROUPS) as CheckGroup[];

const CHECK_STATES = ['ok', 'warning', 'failed', 'skipped'] as const;
export type CheckState = (typeof CHECK_STATES)[number];

/** One thing that was looked at. */
export const CheckResult = object({
  id: text('Stable name, e.g. `livekit-webhooks`; unique within its subject.'),
  group: oneOf(CHECK_GROUP_IDS),
  subject: nullable(Type.String(), { description: 'App, node or alert that it is about; null for the installation.' }),
  title: text('What was checked, for people.'),
  state: oneOf(CHECK_STATES, {
    description:
      '`failed`: something doesn’t work. `warning`: it works, but not well or not for long. `skipped`: it doesn’t apply here.',
  }),
  message: text('What was found.'),
  cure: Type.Optional(text('What you can do about it.')),
  durationMs: Type.Number(),
});
export type CheckResult = Static<typeof CheckResult>;

/** How an installation is, without secrets, for a question to those who help. */
export const CheckReport = object({
  ok: Type.Boolean({ description: 'No check failed; there can be warnings.' }),
  startedAt: Instant,
  durationMs: Type.Number(),
  about: object({
    version: text('Of StreamHub.'),
    node: text('Of Node.'),
    platform: text('Operating system and processor, e.g. `linux x64`.'),
    system: text('Release of the operating system’s kernel.'),
    installation: text('How the daemon was started, e.g. `systemd`.'),
    uptimeSeconds: Type.Integer(),
    apps: Type.Integer(),
    nodes: Type.Integer(),
  }),
  checks: Type.Array(CheckResult),
  settings: Type.Array(object({ name: Type.String(), origin: Type.String() }), {
    description: 'Settings that are not at their default, without their values.',
  }),
  errors: Type.Array(
    object({ lastAt: Instant, count: Type.Integer(), source: Type.String(), message: Type.String() }),
    { description: 'Errors in the log of the last 24 hours, each once.' },
  ),
});
export type CheckReport = Static<typeof CheckReport>;

export const ProbeParams = object({
  nonce: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$', description: 'Made by the daemon for one request to itself.' }),
});

/** How a request of the daemon to itself arrived. */
export const ProbeAnswer = object({
  protocol: Type.String(),
  address: text('Of the client, as the daemon sees it.'),
  isForwarded: Type.Boolean({ description: 'A proxy added forwarding headers.' }),
  isTrusted: Type.Boolean({ description: 'The forwarding headers are believed.' }),
});
export type ProbeAnswer = Static<typeof ProbeAnswer>;
