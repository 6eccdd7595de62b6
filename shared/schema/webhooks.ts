import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf } from './common.ts';

export const WebhookAnswer = object({ ok: Type.Literal(true) });
export type WebhookAnswer = Static<typeof WebhookAnswer>;

/** Why a webhook was refused; the answer's `cause`. */
export const WEBHOOK_REJECTIONS = ['clock', 'body', 'expired', 'secret', 'key', 'malformed', 'unsigned'] as const;
export type WebhookRejection = (typeof WEBHOOK_REJECTIONS)[number];

/** How the daemon and LiveKit get on. */
export const LiveKitStatus = object({
  status: oneOf(['unconfigured', 'unknown', 'reachable', 'unreachable'], {
    description: '`unknown`: not asked yet since the start.',
  }),
  since: Instant,
  reason: nullable(Type.String(), { description: 'Why it is unreachable.' }),
  url: Type.String({ description: 'Where it is looked for.' }),
  webhooks: object({
    url: Type.String({ description: 'What belongs into `webhook.urls` of LiveKit’s config.' }),
    received: Type.Integer({ description: 'Since the start, signed ones only.' }),
    repeated: Type.Integer({ description: 'Of them, those that were stored before.' }),
    foreign: Type.Integer({ description: 'Of them, those of rooms that belong to no app.' }),
    rejected: Type.Integer({ description: 'Not signed with our secret.' }),
    lastReceivedAt: nullable(Instant),
    rejections: Type.Array(
      object({
        cause: oneOf(WEBHOOK_REJECTIONS, {
          description:
            '`clock`: signed in the future. `expired`: signed too long ago. `body`: signed by LiveKit, and changed on the way. `secret`, `key`: another key pair. `malformed`, `unsigned`: not from LiveKit.',
        }),
        count: Type.Integer({ description: 'Since the start.' }),
        lastAt: Instant,
      }),
      { description: 'The rejected ones by cause.' },
    ),
  }),
  clock: nullable(
    object({
      differenceSeconds: Type.Number({ description: 'Positive: LiveKit’s clock is ahead of the daemon’s.' }),
      measuredAt: Instant,
    }),
    {
      description: 'LiveKit’s clock, from its answers and webhooks; null = not measured yet. Up to 60 s are tolerated.',
    },
  ),
  reconciliation: object({
    lastAt: nullable(Instant, { description: 'When LiveKit’s own lists were last compared with the rows.' }),
    repaired: Type.Integer({ description: 'Rows put right since the start: what webhooks did not tell.' }),
  }),
  hint: nullable(Type.String(), { description: 'What to do, when something looks wrong.' }),
});
export type LiveKitStatus = Static<typeof LiveKitStatus>;
