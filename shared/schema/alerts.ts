import { type Static, Type } from 'typebox';
import { CONDITION_IDS, SEVERITIES } from '../rules/conditions.ts';
import { GivenName, Instant, nullable, object, oneOf, page, paging, period, RowId } from './common.ts';

const SeverityWord = oneOf(SEVERITIES, { title: 'Severity', description: '`warning` or `critical`.' });
const ConditionWord = oneOf(CONDITION_IDS, {
  title: 'AlertConditionId',
  description: 'What is watched (docs/alerts.md).',
  examples: ['disk-low'],
});
const Names = (what: string) =>
  nullable(Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { maxItems: 200 }), { description: what });
const Clock = Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$', examples: ['22:00'] });

const QuietHours = object(
  {
    from: Clock,
    to: Clock,
    timeZone: Type.String({ minLength: 1, maxLength: 64, description: 'IANA name.', examples: ['Europe/Paris'] }),
  },
  {
    title: 'QuietHours',
    description: 'No messages between these times of day. A `to` before `from` is on the next day.',
  },
);

const ruleFields = {
  name: GivenName(120, { minLength: 1, description: 'Name for people.' }),
  enabled: Type.Boolean({ description: 'Off: it opens no incidents, and closes those that are open.' }),
  threshold: nullable(Type.Number(), {
    description: 'Limit of the value that the condition compares, in its unit; null for a condition without a value.',
  }),
  forSeconds: Type.Integer({
    minimum: 0,
    maximum: 86_400,
    description: 'How long it must last before an incident opens.',
  }),
  severity: SeverityWord,
  apps: Names('Only these apps; null = all. For conditions about apps.'),
  nodes: Names('Only these nodes, by name; null = all. For conditions about nodes.'),
  quietHours: nullable(QuietHours, {
    description: 'Incidents open in this time too, and are told afterwards if they last.',
  }),
  channels: nullable(Type.Array(RowId(), { maxItems: 50 }), { description: 'Ids of the channels; null = all.' }),
};

export const AlertRule = object({
  id: Type.String({ description: 'The condition’s id for a built-in rule, otherwise `rule-` and a number.' }),
  condition: ConditionWord,
  builtIn: Type.Boolean({ description: 'Present from the start. Deleting it restores its defaults.' }),
  changed: Type.Boolean({ description: 'A built-in rule that differs from its defaults.' }),
  ...ruleFields,
});
export type AlertRule = Static<typeof AlertRule>;

export const CreateRuleBody = object({
  condition: ConditionWord,
  ...Object.fromEntries(Object.entries(ruleFields).map(([key, schema]) => [key, Type.Optional(schema)])),
} as { condition: typeof ConditionWord } & {
  [K in keyof typeof ruleFields]: ReturnType<typeof Type.Optional<(typeof ruleFields)[K]>>;
});
export type CreateRuleBody = Static<typeof CreateRuleBody>;
export const PatchRuleBody = Type.Partial(object(ruleFields), { additionalProperties: false });
export type PatchRuleBody = Static<typeof PatchRuleBody>;
export const RuleParams = object({ id: Type.String({ maxLength: 64, description: 'Id of the rule.' }) });

/** A condition, as the API lists it. */
export const AlertCondition = object({
  id: ConditionWord,
  title: Type.String(),
  reads: Type.String({ description: 'Where the daemon knows it from.' }),
  subject: Type.String({ description: 'What an incident is about.' }),
  threshold: nullable(
    object({
      what: Type.String(),
      unit: Type.String(),
      is: oneOf(['below', 'from'] as const, { description: 'Wrong below the limit, or from it on.' }),
      default: Type.Number(),
      min: Type.Number(),
      max: Type.Number(),
    }),
  ),
  forSeconds: Type.Integer(),
  severity: SeverityWord,
});
export type AlertCondition = Static<typeof AlertCondition>;

// --- channels ---------------------------------------------------------------------

const CHANNEL_KINDS = ['email', 'webhook', 'slack', 'discord', 'teams', 'ntfy', 'pagerduty', 'desktop'] as const;
export type ChannelKind = (typeof CHANNEL_KINDS)[number];

const channelFields = {
  name: GivenName(120, { minLength: 1, description: 'Name for people.' }),
  enabled: Type.Boolean(),
  minSeverity: oneOf(SEVERITIES, { description: '`critical`: it gets no warnings.' }),
  maxPerHour: Type.Integer({
    minimum: 1,
    maximum: 1000,
    description:
      'Messages within an hour. What comes beyond is told in one summary; PagerDuty opens what still lasts then.',
  }),
  to: Type.Array(Type.String({ minLength: 3, maxLength: 254, pattern: '^[^\\s@<>,;]+@[^\\s@<>,;]+$' }), {
    maxItems: 20,
    description: 'Email addresses, for `email`.',
  }),
};
const channelSecrets = {
  url: Type.Optional(
    Type.String({
      maxLength: 2048,
      description:
        'Address of the receiver. It is kept like a secret, because most contain one. For PagerDuty: only for another region.',
    }),
  ),
  secret: Type.Optional(
    Type.String({
      maxLength: 512,
      description: 'Signing secret of a webhook, access token of ntfy, or routing key of PagerDuty. Empty removes it.',
    }),
  ),
};

export const AlertChannel = object({
  id: RowId(),
  kind: oneOf(CHANNEL_KINDS, { title: 'ChannelKind' }),
  ...channelFields,
  address: Type.String({ description: 'Server of the receiver, without the secret part of its address.' }),
  hasUrl: Type.Boolean(),
  hasSecret: Type.Boolean(),
  failingSince: nullable(Instant, { description: 'Since when messages could not be delivered; null = it works.' }),
  lastError: nullable(Type.String()),
  lastSentAt: nullable(Instant),
  held: Type.Integer({ description: 'Changes that wait because of `maxPerHour`.' }),
});
export type AlertChannel = Static<typeof AlertChannel>;

export const CreateChannelBody = object({
  kind: oneOf(CHANNEL_KINDS),
  name: channelFields.name,
  enabled: Type.Optional(channelFields.enabled),
  minSeverity: Type.Optional(channelFields.minSeverity),
  maxPerHour: Type.Optional(channelFields.maxPerHour),
  to: Type.Optional(channelFields.to),
  ...channelSecrets,
});
export type CreateChannelBody = Static<typeof CreateChannelBody>;
export const PatchChannelBody = object({
  ...Type.Partial(object(channelFields)).properties,
  ...channelSecrets,
});
export type PatchChannelBody = Static<typeof PatchChannelBody>;
export const ChannelParams = object({ id: RowId({ description: 'Id of the channel.' }) });

export const ChannelTest = object({
  ok: Type.Boolean(),
  status: nullable(Type.Integer(), { description: 'HTTP status of the receiver.' }),
  answer: nullable(Type.String(), { description: 'Beginning of what the receiver said.' }),
  error: nullable(Type.String(), { description: 'Why it failed.' }),
  ms: Type.Integer({ description: 'How long it took.' }),
});
export type ChannelTest = Static<typeof ChannelTest>;

// --- incidents ---------------------------------------------------------------------

export const Incident = object({
  id: RowId(),
  rule: Type.String({ description: 'Id of the rule that opened it.' }),
  condition: ConditionWord,
  subject: object({
    kind: Type.String({ description: 'For example app, node or job.' }),
    id: Type.String(),
    name: Type.String(),
  }),
  app: nullable(Type.String(), { description: 'The app that it is about.' }),
  severity: SeverityWord,
  text: Type.String({ description: 'What is wrong, in one sentence.' }),
  state: oneOf(['open', 'closed'] as const),
  openedAt: Instant,
  updatedAt: Instant,
  closedAt: nullable(Instant),
  durationSeconds: nullable(Type.Integer(), { description: 'How long it lasted; null while it is open.' }),
  recoveringSince: nullable(Instant, {
    description: 'It came and went before, so it stays open until it has been well for a while.',
  }),
  reopened: Type.Integer({ description: 'How often it came back.' }),
  acknowledgedAt: nullable(Instant),
  acknowledgedBy: nullable(Type.String()),
  silencedUntil: nullable(Instant),
  cause: nullable(RowId(), { description: 'Id of the incident that it follows from.' }),
});
export type Incident = Static<typeof Incident>;

export const IncidentPage = page(Incident);
export const IncidentParams = object({ id: RowId({ description: 'Id of the incident.' }) });
export const IncidentQuery = object({
  open: Type.Optional(Type.Boolean({ description: '`true`: only open ones. `false`: only closed ones.' })),
  severity: Type.Optional(SeverityWord),
  condition: Type.Optional(ConditionWord),
  app: Type.Optional(Type.String({ maxLength: 64, description: 'Only those about this app.' })),
  ...period,
  ...paging(),
});
export type IncidentQuery = Static<typeof IncidentQuery>;

export const SilenceBody = object({
  seconds: Type.Integer({ minimum: 60, maximum: 30 * 86_400, description: 'For how long, at most 30 days.' }),
});
